"""The commands against a real server on a real socket that breaks its streams: what comes out of the process, and how it ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from tests.cutting import LOG, Cutting, answer, line, problem, serving
from tracestream.exits import Exit


async def command(server: Cutting, *arguments: str) -> tuple[int, bytes, bytes]:
    """Runs the real command against ``server``: its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tracestream", *arguments, "--url", server.url,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    output, errors = await process.communicate()
    assert b"Traceback" not in errors, errors
    return process.returncode or 0, output, errors


async def test_the_command_writes_the_lines_exactly_and_says_where_it_resumed() -> None:
    async with serving(Cutting([200])) as server:
        code, output, errors = await command(server, "tail", "a-job")
    assert (code, output) == (Exit.OK, b"".join(LOG))
    assert b"Resuming from offset 6" in errors


@pytest.mark.parametrize("kind", ["error", "cancelled"])
async def test_the_command_fails_when_the_job_did_not_complete(kind: str) -> None:
    async with serving(Cutting(log=[*LOG[:-1], line(13, kind)])) as server:
        code, output, _ = await command(server, "tail", "a-job", "--offset", "13")
    assert (code, output) == (Exit.FAILED, line(13, kind))


async def test_a_limit_counts_over_all_connections() -> None:
    async with serving(Cutting([100, 120])) as server:
        code, output, _ = await command(server, "tail", "a-job", "--limit", "5")
    assert (code, output) == (Exit.OK, b"".join(LOG[:5]))


async def test_a_refusal_is_a_sentence_and_an_exit_code_of_its_own() -> None:
    async with serving(Cutting(answers=[problem(410, "job-expired")])) as server:
        assert await command(server, "tail", "a-job") == (Exit.REFUSED, b"", b"tracestream: T: D.\n")


async def test_no_patience_left_is_unreachable_and_says_where_to_go_on() -> None:
    async with serving(Cutting([0] * 1000)) as server:
        code, _, errors = await command(server, "tail", "a-job", "--patience", "0.5")
    assert code == Exit.UNREACHABLE
    assert b"Gave up at offset 0" in errors


async def test_something_else_at_the_address_is_unreachable_at_once() -> None:
    async with serving(Cutting(answers=[answer(200, b"<html></html>\r\n")])) as server:
        code, _, errors = await command(server, "tail", "a-job")
    assert code == Exit.UNREACHABLE
    assert b"No gateway answers here" in errors


async def test_a_reader_that_goes_away_is_no_error_with_a_trace() -> None:
    big = [
        LOG[0],
        *(b'{"offset":%d,"type":"records","data":["%b"]}\n' % (n, b"x" * 90_000) for n in range(1, 50)),
    ]
    async with serving(Cutting(log=[*big, line(50, "complete")])) as server:
        script = f'"{sys.executable}" -m tracestream tail a-job --url {server.url} | head -c 50; echo "${{PIPESTATUS[0]}}"'
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        output, errors = await process.communicate()
    assert errors == b""
    assert output[50:] == b"%d\n" % Exit.BROKEN_PIPE.value
