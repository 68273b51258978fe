"""``tail`` against a real server on a real socket that breaks its streams in every way a network does."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracestream.client import Client, Refused, Unreachable
from tracestream.exits import CommandError, Exit
from tracestream.ndjson import Cursor
from tracestream.tail import follow


def line(offset: int, kind: str = "records") -> bytes:
    return b'{"offset":%d,"type":"%s","data":[%d]}\n' % (offset, kind.encode(), offset * 7)


OFFSETS = [0, 1, 2, 5, 6, 9, 12, 13]
LOG = [line(0, "meta"), *map(line, OFFSETS[1:-1]), line(OFFSETS[-1], "complete")]
"""A job's log with the gaps that transaction markers leave."""


@dataclass
class Cutting:
    """A server of ``LOG``. Each request takes one of ``cuts`` off the list: how many bytes of the body it sends before it
    breaks (None: all), and whether it breaks like a proper end (``proper``). ``answers`` come before that: whole responses."""

    cuts: list[int | None] = field(default_factory=list)
    proper: bool = False
    answers: list[bytes] = field(default_factory=list)
    log: list[bytes] = field(default_factory=lambda: LOG)
    requests: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            self.requests.append(target)
            if self.answers:
                writer.write(self.answers.pop(0))
            else:
                self._stream(target, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _stream(self, target: str, writer: asyncio.StreamWriter) -> None:
        offset = int(re.search(r"offset=(\d+)", target)[1])  # type: ignore[index]
        limit = re.search(r"limit=(\d+)", target)
        lines = [each for each in self.log if int(re.search(rb"\d+", each)[0]) >= offset]  # type: ignore[index]
        lines = lines[: int(limit[1])] if limit else lines
        body = b"\n" + b"\n".join(lines) + b"\n"  # keep-alives between all lines
        cut = self.cuts.pop(0) if self.cuts else None
        sent = body if cut is None else body[:cut]
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        size = max(17, len(sent) // 50)
        for start in range(0, len(sent), size):
            piece = sent[start : start + size]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if cut is None or self.proper:
            writer.write(b"0\r\n\r\n")


@asynccontextmanager
async def serving(server: Cutting) -> AsyncIterator[Client]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, Client(server.url) as client:
        yield client


async def read(
    client: Client, cursor: Cursor, limit: int | None = None, patience: float = 30.0
) -> list[bytes]:
    lines = follow(client, "a-job", cursor, limit=limit, patience=patience)
    async with aclosing(lines):
        return [each async for each in lines]


@given(cuts=st.lists(st.integers(0, 400), max_size=4), proper=st.booleans(), start=st.integers(0, 13))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_line_comes_once_wherever_the_connection_is_cut(
    cuts: list[int], proper: bool, start: int
) -> None:
    async def run() -> list[bytes]:
        async with serving(Cutting(list(cuts), proper)) as client:
            return await read(client, Cursor(start))

    wanted = [each for offset, each in zip(OFFSETS, LOG, strict=True) if offset >= start]
    assert asyncio.run(run()) == wanted


async def test_it_resumes_behind_the_last_complete_line() -> None:
    server = Cutting([len(b"\n" + LOG[0] + b"\n" + LOG[1] + b"\n" + LOG[2]) - 1, None])
    async with serving(server) as client:
        assert await read(client, Cursor()) == LOG
    assert [re.search(r"offset=\d+", each)[0] for each in server.requests] == ["offset=0", "offset=2"]  # type: ignore[index]


async def test_a_limit_counts_over_all_connections() -> None:
    server = Cutting([100, 120])
    async with serving(server) as client:
        assert await read(client, Cursor(), limit=5) == LOG[:5]


async def test_204_says_that_nothing_will_follow() -> None:
    async with serving(Cutting(answers=[b"HTTP/1.1 204 No Content\r\n\r\n"])) as client:
        assert await read(client, Cursor(14)) == []


async def test_retry_after_is_obeyed() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
    server = Cutting(answers=[busy])
    async with serving(server) as client:
        begun = asyncio.get_running_loop().time()
        assert await read(client, Cursor()) == LOG
        assert asyncio.get_running_loop().time() - begun >= 1
    assert len(server.requests) == 2


async def test_a_problem_that_repeating_does_not_cure_is_told_at_once() -> None:
    body = b'{"type":"urn:tracestream:problem:job-expired","title":"The job has expired","status":410,"detail":"Ask again."}'
    gone = b"HTTP/1.1 410 Gone\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    server = Cutting(answers=[gone])
    async with serving(server) as client:
        with pytest.raises(Refused, match=r"The job has expired: Ask again\.") as caught:
            await read(client, Cursor())
    assert caught.value.code == Exit.REFUSED
    assert len(server.requests) == 1


async def test_patience_without_progress_ends() -> None:
    server = Cutting([0] * 1000)
    async with serving(server) as client:
        with pytest.raises(CommandError, match="Gave up at offset 0") as caught:
            await read(client, Cursor(), patience=0.5)
    assert caught.value.code == Exit.UNREACHABLE


async def test_something_else_at_the_address_is_said() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html></html>\r\n"
    async with serving(Cutting(answers=[page])) as client:
        with pytest.raises(CommandError, match="does not answer like a Tracestream gateway"):
            await read(client, Cursor())


async def test_a_state_is_asked_for_again_when_the_gateway_is_busy() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    good = b'HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{"status":"queued"}'
    async with serving(Cutting(answers=[busy, good])) as client:
        assert await client.state("a-job") == {"status": "queued"}


async def test_an_answer_that_is_no_object_comes_from_something_else() -> None:
    async with serving(Cutting(answers=[b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull"])) as client:
        with pytest.raises(CommandError, match="does not answer like a Tracestream gateway"):
            await client.state("a-job")


async def test_a_connection_that_breaks_before_an_answer_is_unreachable_after_patience() -> None:
    async with serving(Cutting(answers=[b""] * 1000)) as client:
        client.patience = 0.3
        with pytest.raises(Unreachable):
            await client.state("a-job")


async def command(
    server: Cutting, *arguments: str, read: Callable[[bytes], object] | None = None
) -> tuple[int, bytes]:
    """Runs the real command against ``server``; with ``read`` its output is closed after the first 50 bytes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tracestream", *arguments, "--url", server.url,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    output, errors = await process.communicate()
    assert b"Traceback" not in errors, errors
    return process.returncode or 0, output


async def test_the_command_writes_the_lines_exactly() -> None:
    server = Cutting([200])
    async with serving(server):
        assert await command(server, "tail", "a-job") == (Exit.OK, b"".join(LOG))


@pytest.mark.parametrize("kind", ["error", "cancelled"])
async def test_the_command_fails_when_the_job_did_not_complete(kind: str) -> None:
    server = Cutting(log=[*LOG[:-1], line(13, kind)])
    async with serving(server):
        code, output = await command(server, "tail", "a-job", "--offset", "13")
        assert (code, output) == (Exit.FAILED, line(13, kind))


async def test_a_reader_that_goes_away_is_no_error_with_a_trace() -> None:
    big = [
        LOG[0],
        *(b'{"offset":%d,"type":"records","data":["%b"]}\n' % (n, b"x" * 90_000) for n in range(1, 50)),
    ]
    server = Cutting(log=[*big, line(50, "complete")])
    async with serving(server):
        script = f'"{sys.executable}" -m tracestream tail a-job --url {server.url} | head -c 50; echo "${{PIPESTATUS[0]}}"'
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        output, errors = await process.communicate()
    assert errors == b""
    assert output[50:] == b"%d\n" % Exit.BROKEN_PIPE.value
