"""A server on a real socket that breaks its streams in every way a network does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


def line(offset: int, kind: str = "records") -> bytes:
    """A line of a log."""
    return b'{"offset":%d,"type":"%s","data":[%d]}\n' % (offset, kind.encode(), offset * 7)


OFFSETS = [0, 1, 2, 5, 6, 9, 12, 13]
LOG = [line(0, "meta"), *map(line, OFFSETS[1:-1]), line(OFFSETS[-1], "complete")]
"""A job's log with the gaps that transaction markers leave."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"


def answer(status: int, body: bytes, *headers: str) -> bytes:
    """A whole response, after which the connection is closed."""
    lines = [f"HTTP/1.1 {status} x", *headers, f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


def problem(status: int, slug: str, *headers: str, members: str = "") -> bytes:
    """A response with a problem document."""
    text = f'{{"type":"urn:tracestream:problem:{slug}","title":"T","status":{status},"detail":"D."{members}}}'
    return answer(status, text.encode(), "Content-Type: application/problem+json", *headers)


@dataclass
class Cutting:
    """A server of ``log``. Each request takes one of ``cuts`` off the list: how many bytes of the body it sends before it
    breaks (None: all), and whether it breaks like a proper end (``proper``). ``answers`` come before that: whole responses.
    With ``silent`` it sends nothing more behind the cut, and leaves the connection open."""

    cuts: list[int | None] = field(default_factory=list)
    proper: bool = False
    answers: list[bytes] = field(default_factory=list)
    log: list[bytes] = field(default_factory=lambda: LOG)
    silent: bool = False
    piece: int | None = None
    """Size of the body's chunks; None: a fiftieth of it."""
    requests: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    sent: int = 0
    """Bytes of bodies that the sockets took."""
    url: str = ""

    @property
    def offsets(self) -> list[int]:
        """Where each request for the stream began."""
        return [int(found[1]) for each in self.requests if (found := re.search(r"offset=(\d+)", each))]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            self.requests.append(head.split()[1])
            if length := re.search(r"(?i)content-length: (\d+)", head):
                await reader.readexactly(int(length[1]))
            if self.answers:
                writer.write(self.answers.pop(0))
            else:
                await self._stream(self.requests[-1], writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _stream(self, target: str, writer: asyncio.StreamWriter) -> None:
        limit = re.search(r"limit=(\d+)", target)
        lines = [each for each in self.log if int(re.search(rb"\d+", each)[0]) >= self.offsets[-1]]  # type: ignore[index]
        lines = lines[: int(limit[1])] if limit else lines
        body = b"\n" + b"\n".join(lines) + b"\n"  # keep-alives between all lines
        cut = self.cuts.pop(0) if self.cuts else None
        sent = body if cut is None else body[:cut]
        writer.write(HEAD)
        size = self.piece or max(17, len(sent) // 50)
        for start in range(0, len(sent), size):
            piece = sent[start : start + size]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            self.sent += len(piece)
        if cut is None or self.proper:
            writer.write(b"0\r\n\r\n")
        elif self.silent:
            await asyncio.sleep(60)


@asynccontextmanager
async def serving(server: Cutting) -> AsyncIterator[Cutting]:
    """``server`` at its ``url`` for the block."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
