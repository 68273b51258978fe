"""The exit codes of every command, each once; ``--help`` prints them from here."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANING = {
    Exit.OK: "done",
    Exit.FAILED: "the job failed or was cancelled, a process could not start, or a check found a difference",
    Exit.USAGE: "the command line, a setting or the input cannot be used",
    Exit.UNREACHABLE: "the gateway cannot be reached, or not any more",
    Exit.REFUSED: "the gateway refused the request; the problem is on standard error",
    Exit.INTERRUPTED: "interrupted (Ctrl-C)",
    Exit.BROKEN_PIPE: "whoever read standard output went away",
}


class CommandError(Exception):
    """Ends a command with ``code``; the message goes to standard error as it is, without a stack trace."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code


def table() -> str:
    """The codes for the end of ``--help``."""
    return "\n".join(f"  {code.value:>3}  {text}" for code, text in MEANING.items())
