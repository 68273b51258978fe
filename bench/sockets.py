"""What the kernel says of a gateway's connections (``ss``), and what goes over them (``tshark``). Linux, on this machine."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

_FIELD = re.compile(r"\b(bytes_acked|snd_wnd):(\d+)")


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a ``peer``, from the gateway's side. ``accepted`` bytes were taken by its socket, of which it still has
    ``queued``; ``window`` is what the client allows it to send now, 0 when it says to wait."""

    peer: str
    accepted: int
    window: int
    queued: int


async def connections(port: int) -> list[Connection]:
    """Those that clients have open with whoever listens at ``port``."""
    process = await asyncio.create_subprocess_exec(
        "ss", "-tinH", "state", "established", f"( sport = :{port} )", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return parse(output.decode())


def parse(text: str) -> list[Connection]:
    """The output of ``ss -tinH``: a line with the queues, and one with the details."""
    found = []
    for line, details in pairwise(text.splitlines()):
        if line[:1].isspace() or not details[:1].isspace():
            continue
        known = {name: int(value) for name, value in _FIELD.findall(details)}
        _, queued, _, peer = line.split()
        # A window of zero is not printed.
        found.append(
            Connection(peer, known.get("bytes_acked", 0) + int(queued), known.get("snd_wnd", 0), int(queued))
        )
    return found


@dataclass(slots=True)
class Packets:
    """How often a client said "zero window" in a capture; None where tshark is not installed."""

    zero_windows: int | None = None
    _lines: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def captured(port: int) -> AsyncIterator[Packets]:
    """Watches the loopback interface for the block."""
    found = Packets()
    if shutil.which("tshark") is None:
        yield found
        return
    process = await asyncio.create_subprocess_exec(
        *("tshark", "-i", "lo", "-s", "128", "-l", "-q", "-n", "-f", f"tcp port {port}"),
        *(
            "-Y",
            f"tcp.analysis.zero_window && tcp.dstport == {port}",
            "-T",
            "fields",
            "-e",
            "frame.number",
            "-P",
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    reading = asyncio.create_task(process.stdout.read())
    await process.stderr.readuntil(b"Capturing on")
    await asyncio.sleep(1)
    try:
        yield found
    finally:
        await asyncio.sleep(0.5)
        process.terminate()
        output = await reading
        await process.wait()
        found.zero_windows = len(output.split())
