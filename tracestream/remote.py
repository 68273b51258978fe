"""A gateway as the commands use it: the client library, with its errors as exit codes."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tracestream.exits import CommandError, Exit
from tracestream.output import note
from tracestream.settings import ClientSettings, load
from tracestream_client import (
    AsyncClient,
    JobFailed,
    NotTracestream,
    RequestProblem,
    Resuming,
    TracestreamError,
)


@asynccontextmanager
async def gateway(arguments: Namespace) -> AsyncIterator[AsyncClient]:
    """The gateway that ``--url`` names, or the environment, with the patience of the command line."""
    url = str(arguments.url or load(ClientSettings, os.environ).url)
    async with connect(url, arguments.patience, lambda text: note(f"tracestream: {text}")) as client:
        yield client


@asynccontextmanager
async def connect(url: str, patience: float, report: Callable[[str], None]) -> AsyncIterator[AsyncClient]:
    """A client of the gateway at ``url`` that tries again for ``patience`` seconds; ``report`` hears of each cut.

    What the client raises in the block becomes a CommandError.
    """
    try:
        client = AsyncClient(url, tries=None, patience=patience, on_resume=lambda it: report(_told(it)))
    except NotTracestream as error:
        raise CommandError(str(error), Exit.USAGE) from None
    async with client:
        try:
            yield client
        except TracestreamError as error:
            raise CommandError(str(error), _code(error)) from None


def _code(error: TracestreamError) -> Exit:
    if isinstance(error, RequestProblem):
        return Exit.REFUSED
    return Exit.FAILED if isinstance(error, JobFailed) else Exit.UNREACHABLE


def _told(resuming: Resuming) -> str:
    return f"{resuming.reason} Resuming from offset {resuming.offset} in {resuming.wait:.1f} s."
