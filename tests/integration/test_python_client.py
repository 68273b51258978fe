"""The Python clients, sync and async, against a real server on a real socket that breaks its streams in all ways of a network."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cutting import LOG, OFFSETS, Cutting, answer, line, problem, serving
from tests.pythonclients import KINDS, call, read
from tracestream_client import (
    AsyncClient,
    Client,
    ConnectionLost,
    JobExpired,
    JobFailed,
    NotTracestream,
    Resuming,
    ServiceProblem,
)

QUICK = {"first_pause": 0.01}
MESSAGES = [json.loads(each) for each in LOG]
both = pytest.mark.parametrize("kind", KINDS)


@both
@given(cuts=st.lists(st.integers(0, 400), max_size=4), proper=st.booleans(), start=st.integers(0, 13))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_line_comes_once_wherever_the_connection_is_cut(
    kind: str, cuts: list[int], proper: bool, start: int
) -> None:
    async def run() -> list[bytes]:
        async with serving(Cutting(list(cuts), proper)) as server:
            return await read(kind, server.url, "lines", "a-job", offset=start, client=QUICK)

    assert asyncio.run(run()) == [each for offset, each in zip(OFFSETS, LOG, strict=True) if offset >= start]


@both
async def test_it_resumes_behind_the_last_complete_line_and_says_so(kind: str) -> None:
    told: list[Resuming] = []
    async with serving(Cutting([len(b"\n" + LOG[0] + b"\n" + LOG[1] + b"\n" + LOG[2]) - 1])) as server:
        options = {**QUICK, "on_resume": told.append}
        assert await read(kind, server.url, "stream", "a-job", client=options) == MESSAGES
    assert server.offsets == [0, 2]
    assert [(each.offset, "broke" in str(each.reason)) for each in told] == [(2, True)]


@both
async def test_silence_is_a_cut(kind: str) -> None:
    async with serving(Cutting([100, 0], silent=True)) as server:
        options = {**QUICK, "stall_timeout": 0.2}
        assert await read(kind, server.url, "lines", "a-job", client=options) == LOG
    assert len(server.requests) == 3


@both
async def test_bounded_pulls_give_the_same_lines(kind: str) -> None:
    async with serving(Cutting([80])) as server:
        assert await read(kind, server.url, "stream", "a-job", pull_lines=3, client=QUICK) == MESSAGES
    assert all("limit=" in each for each in server.requests)


@both
async def test_retry_after_is_obeyed(kind: str) -> None:
    begun = time.monotonic()
    async with serving(Cutting(answers=[problem(503, "not-ready", "Retry-After: 1")] * 2)) as server:
        assert await read(kind, server.url, "lines", "a-job", client=QUICK) == LOG
    assert time.monotonic() - begun >= 2
    assert len(server.requests) == 3


@both
async def test_tries_are_bounded(kind: str) -> None:
    got: list[Any] = []
    async with serving(Cutting([200, *[0] * 9])) as server:
        with pytest.raises(ConnectionLost, match="Gave up at offset 6") as caught:
            await read(kind, server.url, "lines", "a-job", client={**QUICK, "tries": 3}, got=got)
    assert caught.value.offset == 6
    assert got == LOG[:4]
    assert len(server.requests) == 4


@both
async def test_a_log_that_expired_in_between_is_an_error_that_says_so(kind: str) -> None:
    server = Cutting([200])

    async def expire(number: int) -> None:
        if number == 1:
            server.answers.append(problem(410, "job-expired"))

    async with serving(server):
        with pytest.raises(JobExpired) as caught:
            await read(kind, server.url, "lines", "a-job", client=QUICK, each=expire)
    assert caught.value.offset == 6


@both
async def test_a_call_is_repeated_when_the_gateway_is_busy_or_the_connection_breaks(kind: str) -> None:
    answers = [
        problem(503, "not-ready"),
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        answer(200, b'{"status":"queued"}'),
    ]
    async with serving(Cutting(answers=answers)) as server:
        assert await call(kind, server.url, "status", "a-job", client=QUICK) == {"status": "queued"}
    assert len(server.requests) == 4


@both
async def test_a_submit_is_repeated_under_its_key(kind: str) -> None:
    async with serving(Cutting(answers=[b"", answer(202, b'{"job_id":"j"}')])) as server:
        made = await call(kind, server.url, "submit", ["a"], ["history"], client=QUICK)
    assert made == {"job_id": "j"}
    keys = [head.lower().split("idempotency-key: ")[1].split()[0] for head in server.heads]
    assert len(keys) == 2
    assert keys[0] == keys[1]


@both
async def test_a_call_that_stays_unanswered_ends_with_the_last_error(kind: str) -> None:
    bounds = {**QUICK, "tries": 3}
    async with serving(Cutting(answers=[problem(503, "not-ready")] * 3 + [b""] * 3)) as server:
        with pytest.raises(ServiceProblem):
            await call(kind, server.url, "status", "a-job", client=bounds)
        with pytest.raises(ConnectionLost) as caught:
            await call(kind, server.url, "status", "a-job", client=bounds)
    assert caught.value.offset is None
    assert len(server.requests) == 6


@both
async def test_records_of_a_job_that_failed_come_first_and_then_the_error(kind: str) -> None:
    records = b'{"offset":%d,"type":"records","domain":"d","batch":%d,"data":[{"N":%d},{"N":%d}]}\n'
    last = b'{"offset":4,"type":"error","problem":{"type":"urn:x","status":502,"title":"T","detail":"D."}}\n'
    got: list[Any] = []
    async with serving(
        Cutting([100], log=[LOG[0], records % (1, 1, 0, 1), records % (2, 2, 2, 3), last])
    ) as server:
        with pytest.raises(JobFailed, match=r"T: D\."):
            await read(kind, server.url, "records", "a-job", client=QUICK, got=got)
    assert got == [{"N": n} for n in range(4)]


@both
async def test_a_reader_that_holds_still_stops_the_server(kind: str) -> None:
    big = [b'{"offset":%d,"type":"records","data":["%b"]}\n' % (n, b"x" * 500_000) for n in range(100)]
    server = Cutting(log=[*big, line(100, "complete")], piece=65536)
    stopped_at = 0

    async def hold(number: int) -> None:
        nonlocal stopped_at
        if number == 1:
            while server.sent == 0 or server.sent > stopped_at:
                stopped_at = server.sent
                await asyncio.sleep(0.5)

    async with serving(server):
        assert await read(kind, server.url, "lines", "a-job", each=hold) == server.log
    assert stopped_at < 20_000_000


async def test_an_async_read_that_was_interrupted_goes_on_behind_what_was_taken() -> None:
    async with serving(Cutting([100], silent=True)) as server, AsyncClient(server.url) as client:
        got: list[bytes] = []
        async with client.lines("a-job") as lines:
            while True:
                try:
                    async with asyncio.timeout(1):
                        got.append(await anext(lines))
                except TimeoutError:
                    continue
                except StopAsyncIteration:
                    break
    assert got == LOG
    assert lines.resumed == 0


@both
async def test_a_loop_that_is_left_early_closes_the_connection(kind: str) -> None:
    server = Cutting([200], silent=True)
    async with serving(server):
        if kind == "async":
            async with AsyncClient(server.url) as client, client.stream("a-job") as stream:
                assert await anext(stream) == MESSAGES[0]
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        else:
            await asyncio.to_thread(_one_message, server.url)
    assert len(server.requests) == 1


def _one_message(url: str) -> None:
    with Client(url) as client, client.stream("a-job") as stream:
        assert next(stream) == MESSAGES[0]
        assert stream.offset == 1
    with pytest.raises(StopIteration):
        next(stream)


@both
async def test_where_a_reading_ended_another_goes_on(kind: str) -> None:
    async with serving(Cutting()) as server:
        first = await read(kind, server.url, "stream", "a-job", limit=3)
        rest = await read(kind, server.url, "stream", "a-job", offset=first[-1]["offset"] + 1)
    assert first + rest == MESSAGES


@both
async def test_headers_of_the_caller_go_with_every_request(kind: str) -> None:
    options = {"headers": {"Authorization": "Bearer x", "Accept": "text/plain"}}
    async with serving(Cutting(answers=[answer(200, b'{"status":"queued"}')])) as server:
        await call(kind, server.url, "status", "a-job", client=options)
        await read(kind, server.url, "lines", "a-job", client=options)
    assert all("authorization: bearer x" in head.lower() for head in server.heads)
    assert "accept: application/x-ndjson" in server.heads[1].lower()


async def test_an_httpx_client_of_the_callers_own_is_used_and_left_open() -> None:
    async with serving(Cutting()) as server, httpx.AsyncClient(headers={"X-Own": "yes"}) as own:
        async with AsyncClient(server.url, http=own) as client:
            assert [each async for each in client.lines("a-job")] == LOG
        assert not own.is_closed
    assert "x-own: yes" in server.heads[0].lower()


@both
async def test_proxies_of_the_environment_are_not_asked(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    async with serving(Cutting()) as server:
        assert await read(kind, server.url, "lines", "a-job") == LOG


@both
async def test_something_else_at_the_address_is_said_at_once(kind: str) -> None:
    async with serving(
        Cutting(answers=[answer(200, b"<html></html>\n", "Content-Type: text/html")])
    ) as server:
        with pytest.raises(NotTracestream, match="text/html"):
            await read(kind, server.url, "stream", "a-job")
    assert len(server.requests) == 1
