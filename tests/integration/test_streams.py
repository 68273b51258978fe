"""Streams over a real server and the real broker (design: "Streams", "Browsers")."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Message

from broker.admin import Admin
from broker.embedded import EmbeddedKafka
from broker.settings import BrokerSettings
from gateway.settings import GatewaySettings
from gateway.stream import AHEAD, QUICK, LogStream
from schemas.jobs import Status
from tests.joblogs import JobLog
from tests.replays import serving

GENEROUS = 60.0
QUICK_KEEPALIVE = GatewaySettings(keepalive_seconds=0.2, streams_per_client=8)


@pytest.fixture
async def job(broker_settings: BrokerSettings, admin: Admin) -> AsyncIterator[JobLog]:
    made = await JobLog.create(broker_settings, admin, domains=("history", "materials"))
    yield made
    await made.close()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=GENEROUS) as opened:
        yield opened


def lines_of(body: bytes) -> list[bytes]:
    """The lines without keep-alives."""
    return [line + b"\n" for line in body.split(b"\n") if line]


def without_offset(line: bytes) -> bytes:
    """What stands in the log: the line without the member that the gateway adds."""
    head, rest = line.split(b",", 1)
    assert head.startswith(b'{"offset":')
    return b"{" + rest


def offsets_of(body: bytes) -> list[int]:
    return [json.loads(line)["offset"] for line in lines_of(body)]


async def chunks_of(url: str) -> list[bytes]:
    """The chunks of the body (RFC 9112, section 7.1), as they came."""
    at = httpx.URL(url)
    reader, writer = await asyncio.open_connection(at.host, at.port)
    writer.write(f"GET {at.path} HTTP/1.1\r\nHost: {at.host}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        assert await reader.readexactly(2) == b"\r\n"
    writer.close()
    return chunks


async def read_line(lines: Any) -> bytes:
    """The next line that is no keep-alive."""
    async with asyncio.timeout(GENEROUS):
        while True:
            line = await anext(lines)
            if line:
                return str(line).encode() + b"\n"
            assert not line


async def test_a_stream_is_the_log_with_offsets(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(5, 7)
    async with serving(broker_settings) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/stream")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cache-control"] == "no-store"
    assert [without_offset(line) for line in lines_of(answer.content)] == job.lines
    offsets = offsets_of(answer.content)
    assert offsets == sorted(set(offsets))


async def test_a_line_is_one_chunk_of_http_and_another_server_sends_the_same_lines(
    job: JobLog, broker_settings: BrokerSettings
) -> None:
    await job.whole(5, 7)
    async with serving(broker_settings) as (url, _):
        chunks = await chunks_of(f"{url}/{job.job_id}/stream")
    assert [without_offset(chunk) for chunk in chunks] == job.lines
    async with serving(broker_settings, server_offers_raw=False) as (url, _):
        assert b"".join(await chunks_of(f"{url}/{job.job_id}/stream")) == b"".join(chunks)


async def test_a_stream_resumes_at_every_offset(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    job.meta()
    job.start("history")
    job.records("history", 2)
    await job.abort()
    await job.whole(3, 2, per_transaction=2)
    async with serving(broker_settings) as (url, _):
        whole = await client.get(f"{url}/{job.job_id}/stream")
        offsets = offsets_of(whole.content)
        assert offsets[0] == 4
        for begin in range(offsets[-1] + 1):
            part = await client.get(f"{url}/{job.job_id}/stream", params={"offset": begin})
            assert offsets_of(part.content) == [each for each in offsets if each >= begin]


async def test_last_event_id_means_the_line_behind_it_and_offset_wins(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(2, 2)
    async with serving(broker_settings) as (url, _):
        address = f"{url}/{job.job_id}/stream"
        answer = await client.get(address, headers={"Last-Event-ID": "2"})
        assert offsets_of(answer.content)[0] == 3
        answer = await client.get(address, params={"offset": 0}, headers={"Last-Event-ID": "2"})
        assert offsets_of(answer.content)[0] == 0


async def test_limit_ends_the_stream_after_so_many_lines(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(4, 2)
    async with serving(broker_settings) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/stream", params={"offset": 1, "limit": 3})
        assert offsets_of(answer.content) == [1, 2, 3]


async def test_download_names_a_file(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(1, 1)
    async with serving(broker_settings) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/stream", params={"download": 1})
        assert answer.headers["content-disposition"] == f'attachment; filename="trace-{job.job_id}.ndjson"'
        assert "content-disposition" not in (await client.get(f"{url}/{job.job_id}/stream")).headers


async def test_head_answers_the_headers_alone(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    job.meta()
    await job.commit()
    async with serving(broker_settings) as (url, _):
        answer = await client.head(f"{url}/{job.job_id}/stream")
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("parameters", "headers"),
    [
        ({"offset": "-1"}, {}),
        ({"offset": "1.5"}, {}),
        ({"offset": ""}, {}),
        ({"limit": "0"}, {}),
        ({"limit": "x"}, {}),
        ({"download": "yes"}, {}),
        ({}, {"Last-Event-ID": "abc"}),
        ({}, {"Last-Event-ID": "-1"}),
    ],
)
async def test_a_parameter_that_makes_no_sense_is_400(
    job: JobLog,
    broker_settings: BrokerSettings,
    client: httpx.AsyncClient,
    parameters: dict[str, str],
    headers: dict[str, str],
) -> None:
    async with serving(broker_settings) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/stream", params=parameters, headers=headers)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"


async def test_offsets_up_to_the_end_are_legal_and_beyond_are_400(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(2, 2)
    async with serving(broker_settings) as (url, reading):
        address = f"{url}/{job.job_id}/stream"
        await client.get(address)
        terminal = job.state.end_offset - 1
        assert offsets_of((await client.get(address, params={"offset": terminal})).content) == [terminal]
        end = (await reading.fetches.offsets(job.topic)).end
        for offset in range(terminal + 1, end + 1):
            assert (await client.get(address, params={"offset": offset})).status_code == 204
        answer = await client.get(address, params={"offset": end + 1})
        assert answer.status_code == 400
        assert answer.json()["end"] == end


async def test_unknown_jobs_are_404_and_expired_ones_410(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(1, 1)
    await job.expire()
    async with serving(broker_settings) as (url, _):
        assert (await client.get(f"{url}/{job.job_id}/stream")).status_code == 410
        other = "00000000-0000-4000-8000-000000000000"
        assert (await client.get(f"{url}/{other}/stream")).status_code == 404


async def test_a_stream_follows_a_running_job_to_its_end(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    async with (
        serving(broker_settings, QUICK_KEEPALIVE) as (url, _),
        client.stream("GET", f"{url}/{job.job_id}/stream") as answer,
    ):
        lines = answer.aiter_lines()
        await asyncio.sleep(0.5)
        job.meta()
        await job.commit()
        assert without_offset(await read_line(lines)) == job.lines[0]
        job.start("history")
        job.records("history", 2)
        await job.abort()
        job.start("history")
        job.records("history", 3)
        await job.commit()
        assert without_offset(await read_line(lines)) == job.lines[1]
        assert without_offset(await read_line(lines)) == job.lines[2]
        await job.cancel()
        assert without_offset(await read_line(lines)) == job.lines[3]
        assert [line async for line in lines] == []


async def test_a_queued_job_gets_keepalives(
    job: JobLog, broker_settings: BrokerSettings, admin: Admin, client: httpx.AsyncClient
) -> None:
    await admin.delete_topics([job.topic])
    async with serving(broker_settings, QUICK_KEEPALIVE) as (url, reading):
        async with client.stream("GET", f"{url}/{job.job_id}/stream") as answer:
            chunks = answer.aiter_raw()
            assert [await anext(chunks) for _ in range(3)] == [b"\n"] * 3
            assert reading.fetches.requests == 0
        assert (await client.get(f"{url}/{job.job_id}/stream", params={"offset": 1})).status_code == 400


async def test_a_waiting_stream_asks_kafka_next_to_nothing(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    job.meta()
    await job.commit()
    async with (
        serving(broker_settings) as (url, reading),
        client.stream("GET", f"{url}/{job.job_id}/stream") as answer,
    ):
        lines = answer.aiter_lines()
        await read_line(lines)
        await asyncio.sleep(0.3)
        before = reading.fetches.requests
        await asyncio.sleep(1)
        assert reading.fetches.requests - before <= 2


async def large_log(job: JobLog) -> None:
    """40 MB in messages of 1 MB: more than the sockets hold."""
    job.meta()
    job.start("history")
    for _ in range(40):
        job.records("history", 100, padding=10_000)
    await job.commit()
    await job.complete()


async def stalled(url: str, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that asks and reads nothing: its receive buffer is small and its reader stops at once."""
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    target = "/" + url.removeprefix("http://").split("/", 1)[1] + path
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return reader, writer


async def test_expiry_cuts_an_open_stream_without_a_final_chunk(
    job: JobLog, broker_settings: BrokerSettings
) -> None:
    await large_log(job)
    async with serving(broker_settings) as (url, reading):
        reader, writer = await stalled(url, f"/{job.job_id}/stream")
        await reader.readuntil(b"domain_start")
        await job.expire()
        async with asyncio.timeout(GENEROUS):
            while (state := reading.view.state(job.job_id)) is None or state.status is not Status.EXPIRED:
                await asyncio.sleep(0.01)
            rest = await reader.read()
        assert len(rest) < 40_000_000
        assert not rest.endswith(b"0\r\n\r\n")
        writer.close()


async def test_draining_ends_a_stream_behind_a_line(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    job.meta()
    await job.commit()
    async with (
        serving(broker_settings) as (url, reading),
        client.stream("GET", f"{url}/{job.job_id}/stream") as answer,
    ):
        lines = answer.aiter_lines()
        await read_line(lines)
        reading.drain()
        assert [line async for line in lines] == []


async def test_a_client_that_vanishes_is_noticed(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    job.meta()
    await job.commit()
    async with serving(broker_settings) as (url, reading):
        async with client.stream("GET", f"{url}/{job.job_id}/stream") as answer:
            lines = answer.aiter_lines()
            await read_line(lines)
            assert reading.open_streams == 1
        async with asyncio.timeout(GENEROUS):
            while reading.open_streams:
                await asyncio.sleep(0.01)


async def test_a_client_has_so_many_streams_and_no_more(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    job.meta()
    await job.commit()
    few = GatewaySettings(streams_per_client=1)
    async with serving(broker_settings, few) as (url, _):
        async with client.stream("GET", f"{url}/{job.job_id}/stream") as answer:
            lines = answer.aiter_lines()
            await read_line(lines)
            refused = await client.get(f"{url}/{job.job_id}/stream")
            assert refused.status_code == 429
        await job.cancel()
        async with asyncio.timeout(GENEROUS):
            while (await client.get(f"{url}/{job.job_id}/stream")).status_code != 200:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(("keeps_up", "ahead"), [(True, AHEAD), (False, 0)])
async def test_two_lines_are_read_ahead_for_a_client_that_keeps_up_and_none_for_a_slow_one(
    keeps_up: bool, ahead: int, job: JobLog, broker_settings: BrokerSettings
) -> None:
    await large_log(job)
    taken, held = 0, asyncio.Event()

    async def send(message: Message) -> None:
        """Takes ten lines, at once or slowly, and not another byte."""
        nonlocal taken
        taken += bytes(message.get("body", b"")).endswith(b"\n")
        if taken == 10:
            held.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0 if keeps_up else 2 * QUICK)

    async def receive() -> Message:
        return await asyncio.Future[Message]()

    async with serving(broker_settings) as (_, reading), asyncio.timeout(GENEROUS):
        state = await reading.readable(job.job_id)
        scope = {"type": "http", "method": "GET", "http_version": "1.1"}
        task = asyncio.create_task(LogStream(reading, state, "somebody")(scope, receive, send))
        await held.wait()
        await asyncio.sleep(1.0)
        behind = [reading.fetches.kept(job.topic, offset) is not None for offset in range(10, 20)]
        assert behind == [True] * ahead + [False] * (10 - ahead)
        task.cancel()


async def test_what_is_read_ahead_is_read_once_also_where_transactions_end(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    job.meta()
    job.start("history")
    for _ in range(6):
        for _ in range(3):
            job.records("history", 100, padding=2_000)
        await job.commit()
    await job.complete()
    async with serving(broker_settings) as (url, reading):
        answer = await client.get(f"{url}/{job.job_id}/stream")
        assert [without_offset(line) for line in lines_of(answer.content)] == job.lines
        offsets = (await reading.fetches.offsets(job.topic)).end
        assert reading.fetches.requests <= offsets


async def test_of_what_a_client_does_not_read_next_to_nothing_is_fetched(
    job: JobLog, broker_settings: BrokerSettings
) -> None:
    await large_log(job)
    async with serving(broker_settings) as (url, reading):
        reader, writer = await stalled(url, f"/{job.job_id}/stream")
        await reader.readuntil(b"domain_start")
        before = -1
        while reading.fetches.requests != before:
            before = reading.fetches.requests
            await asyncio.sleep(1.0)
        # The sockets hold some lines of 1 MB; the rest of the 40 stays with the broker.
        assert before < 30
        writer.close()


async def test_a_stalled_and_an_idle_stream_do_not_hold_up_another(
    broker_settings: BrokerSettings, admin: Admin, client: httpx.AsyncClient
) -> None:
    large, idle = await JobLog.create(broker_settings, admin), await JobLog.create(broker_settings, admin)
    idle.meta()
    await idle.commit()
    await large_log(large)
    async with serving(broker_settings) as (url, reading):
        _, writer = await stalled(url, f"/{large.job_id}/stream")
        async with client.stream("GET", f"{url}/{idle.job_id}/stream") as waiting:
            lines = waiting.aiter_lines()
            await read_line(lines)
            await asyncio.sleep(1)
            held = reading.fetches.requests
            assert held < 20
            began = time.monotonic()
            answer = await client.get(f"{url}/{large.job_id}/stream")
            assert time.monotonic() - began < 20
            assert len(lines_of(answer.content)) == len(large.lines)
            after = reading.fetches.requests
            await asyncio.sleep(0.5)
            assert reading.fetches.requests - after <= 1
        writer.close()
    await large.close()
    await idle.close()


async def test_readers_of_one_job_share_what_is_fetched(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(5, 20, padding=2_000)
    async with serving(broker_settings) as (url, reading):
        await client.get(f"{url}/{job.job_id}/stream")
        once = reading.fetches.requests
        answers = await asyncio.gather(*(client.get(f"{url}/{job.job_id}/stream") for _ in range(5)))
        assert len({answer.content for answer in answers}) == 1
        assert reading.fetches.requests == once


async def test_a_stream_survives_a_restart_of_the_broker(
    tmp_path_factory: pytest.TempPathFactory, client: httpx.AsyncClient
) -> None:
    own = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    await own.start()
    settings = BrokerSettings(bootstrap=own.bootstrap, partitions=2)
    try:
        async with Admin(settings) as admin:
            job = await JobLog.create(settings, admin)
        job.meta()
        await job.commit()
        async with (
            serving(settings, QUICK_KEEPALIVE) as (url, _),
            client.stream("GET", f"{url}/{job.job_id}/stream") as answer,
        ):
            lines = answer.aiter_lines()
            await read_line(lines)
            await own.stop()
            await asyncio.sleep(1)
            await own.start()
            await job.cancel()
            assert without_offset(await read_line(lines)) == job.lines[-1]
            assert [line async for line in lines if line] == []
        await job.close()
    finally:
        await own.stop()
