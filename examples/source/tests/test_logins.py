"""The source with a rule of its own."""

import json
import tempfile

from falcocore_logins import SUCCESS, USER, Logins

from falcocore.testing import Outcome, run_source

RULES = """
- rule: Failed
  desc: Somebody could not log in.
  condition: login.success = false
  output: "%login.user"
  priority: WARNING
  source: logins
"""


def outcome(stop_after: int | None = None) -> Outcome:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        for number, user in enumerate(("eve", "bob", "eve")):
            event = {"time_ns": number, "key": str(number), "user": user, "success": user == "bob"}
            file.write(json.dumps(event) + "\n")
        file.flush()
        return run_source(Logins(file.name), [USER, SUCCESS], RULES, stop_after=stop_after)


def test_each_failure_raises_an_alert() -> None:
    assert outcome().messages == ["eve", "eve"]


def test_nothing_is_read_after_stop() -> None:
    assert outcome(stop_after=2).events == 2
