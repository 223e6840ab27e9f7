"""`python -m falcocore`."""

from __future__ import annotations

import sys

from falcocore.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
