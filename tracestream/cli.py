"""The command ``tracestream``: picks the subcommand and turns what ends it into an exit code.

What a subcommand needs is imported when it runs, so that ``--help`` and mistakes answer at once.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any

from tracestream.arguments import parser
from tracestream.exits import CommandError, Exit
from tracestream.output import note


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and answers its exit code (:class:`tracestream.exits.Exit`)."""
    try:
        arguments = parser().parse_args(argv)
        return _run(arguments)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except CommandError as error:
        return _fail(str(error), error.code)
    except BrokenPipeError:
        _abandon_output()
        return Exit.BROKEN_PIPE


def _run(arguments: Namespace) -> int:
    from tracestream import settings  # noqa: PLC0415 - a command line that is only looked at needs none

    module, _, name = arguments.command.partition(":")
    try:
        _warn_of_unknown(settings, module)
        command: Any = getattr(import_module(f"tracestream.{module}"), name)
        code = asyncio.run(command(arguments)) if iscoroutinefunction(command) else command(arguments)
        sys.stdout.flush()
    except settings.SettingsError as error:
        return _fail(str(error), Exit.USAGE)
    return int(code or Exit.OK)


def _warn_of_unknown(settings: Any, module: str) -> None:
    """Processes of the service read the settings of all packages, so they can tell a slip of the pen."""
    if module in ("services", "up", "demo", "show_settings"):
        for warning in settings.unknown(os.environ, settings.variables(settings.every_class())):
            note(f"tracestream: {warning}")


def _fail(message: str, code: Exit) -> int:
    note(f"tracestream: {message}")
    return code


def _abandon_output() -> None:
    """The reader of standard output is gone: what the interpreter still flushes at its end goes nowhere, in silence."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
