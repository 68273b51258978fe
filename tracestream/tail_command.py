"""``tracestream tail``: a job's log to standard output, exactly as the gateway sends its lines."""

from __future__ import annotations

import sys
from argparse import Namespace

from schemas.messages import COMPLETE
from tracestream.exits import Exit
from tracestream.remote import gateway
from tracestream_client import AsyncClient


async def tail(arguments: Namespace) -> Exit:
    async with gateway(arguments) as client:
        return await write_stream(client, arguments.job, arguments.offset, arguments.limit)


async def write_stream(client: AsyncClient, job_id: str, offset: int = 0, limit: int | None = None) -> Exit:
    """Writes the lines from ``offset`` on. FAILED when the log ends with anything but ``complete``."""
    output = sys.stdout.buffer
    async with client.lines(job_id, offset=offset, limit=limit) as lines:
        async for line in lines:
            output.write(line)
            output.flush()
    return Exit.OK if lines.terminal in (None, COMPLETE) else Exit.FAILED
