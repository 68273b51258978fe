"""``tracestream tail``: a job's log to standard output, exactly as the gateway sends its lines."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import aclosing

from schemas.messages import COMPLETE
from tracestream.client import Client
from tracestream.exits import Exit
from tracestream.jobs import gateway_url
from tracestream.ndjson import Cursor
from tracestream.output import note
from tracestream.tail import follow


async def tail(arguments: Namespace) -> Exit:
    async with Client(gateway_url(arguments), patience=arguments.patience) as client:
        return await write_stream(
            client, arguments.job, arguments.offset, arguments.limit, patience=arguments.patience
        )


async def write_stream(
    client: Client, job_id: str, offset: int = 0, limit: int | None = None, *, patience: float
) -> Exit:
    """Writes the lines from ``offset`` on. FAILED when the log ends with anything but ``complete``."""
    cursor = Cursor(offset)
    output = sys.stdout.buffer
    lines = follow(client, job_id, cursor, limit=limit, patience=patience, report=_report)
    async with aclosing(lines):
        async for line in lines:
            output.write(line)
            output.flush()
    return Exit.OK if cursor.terminal in (None, COMPLETE) else Exit.FAILED


def _report(message: str) -> None:
    note(f"tracestream: {message}")
