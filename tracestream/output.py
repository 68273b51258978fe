"""Standard output is for data, standard error for the person at the terminal."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """A line of data on standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line for the person."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def gauge(text: str, *, last: bool) -> None:
    """A line that replaces the one before it, in a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text}" + ("\n" if last else ""))
        sys.stderr.flush()
