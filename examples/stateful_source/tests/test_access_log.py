"""The source with a rule of its own."""

import tempfile

from falcocore_access_log import CLIENT, ERRORS, AccessLog

from falcocore.testing import run_source

RULES = """
- rule: Errors
  desc: All errors.
  condition: access.errors > 0
  output: "%access.client %access.errors"
  priority: NOTICE
  source: access_log
"""


def test_errors_are_counted_until_the_next_success() -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as log:
        for status in (404, 500, 200, 404):
            log.write(f'192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" {status} 153\n')
        log.flush()
        outcome = run_source(AccessLog(log.name), [CLIENT, ERRORS], RULES)
    assert outcome.messages == ["192.0.2.7 1", "192.0.2.7 2", "192.0.2.7 1"]
    assert outcome.events == 4
