"""``python -m tracestream``, the same as the command ``tracestream``."""

from __future__ import annotations

import sys

from tracestream.cli import main

if __name__ == "__main__":
    sys.exit(main())
