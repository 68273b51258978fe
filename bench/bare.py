"""The yardstick of the replay, a process of its own: uvicorn sends lines that it holds in memory, and does nothing else.

``python -m bench.bare FOLDER``: ``FOLDER/lines`` holds the lines one after the other and ``FOLDER/lengths`` their lengths
(JSON). The server has the gateway's event loop, HTTP parser and settings, and prints its port when it listens.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Lines:
    """An ASGI application that answers every request with all lines, a piece of the body each."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for line in self._lines:
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def serve(lines: list[bytes]) -> None:
    config = uvicorn.Config(
        Lines(lines),
        port=0,
        loop="uvloop",
        http=HttpToolsProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving


def cut(text: bytes, lengths: list[int]) -> list[bytes]:
    """The lines, each in memory of its own."""
    lines, position = [], 0
    for length in lengths:
        lines.append(text[position : position + length])
        position += length
    return lines


def main(folder: Path) -> None:
    lines = cut((folder / "lines").read_bytes(), json.loads((folder / "lengths").read_text("ascii")))
    uvloop_factory = uvicorn.Config(Lines([]), loop="uvloop").get_loop_factory()
    with asyncio.Runner(loop_factory=uvloop_factory) as runner:
        runner.run(serve(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
