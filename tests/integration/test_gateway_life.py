"""How a gateway begins, ends, and lives through a broker that is away (design: "Processes", "Browsers", "The promises")."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from broker.admin import Admin
from broker.embedded import EmbeddedKafka, free_ports
from broker.settings import BrokerSettings
from gateway.describe import job_document
from gateway.jobview import JobView
from gateway.settings import GatewaySettings
from schemas.jobs import Status
from tests.gateways import GENEROUS, running_gateway, until_ready
from tests.joblogs import JobLog

JOBS = "/api/trace/jobs"
BODY = {"container_ids": ["a"], "domains": ["history"]}


async def test_without_kafka_it_serves_says_so_and_recovers_by_itself(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path / "kafka")
    await kafka.start()
    bootstrap = kafka.bootstrap
    await kafka.stop()
    broker = BrokerSettings(bootstrap=bootstrap, prefix="life.", partitions=2)
    settings = GatewaySettings(broker_deadline=5.0)
    async with running_gateway(broker, settings, wait_ready=False) as gateway:
        client = gateway.client
        assert (await client.get("/healthz")).status_code == 200
        for answer in (
            await client.get("/readyz"),
            await client.get(JOBS),
            await client.post(JOBS, json=BODY),
        ):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
        await kafka.start()
        await until_ready(client)
        taken = await client.post(JOBS, json=BODY)
        assert taken.status_code == 202
        await kafka.stop()
        async with asyncio.timeout(GENEROUS):
            while (await client.get("/readyz")).status_code == 200:
                await asyncio.sleep(0.05)
        for answer in (
            await client.post(JOBS, json=BODY),
            await client.delete(taken.headers["location"]),
            await client.get("/api/trace/job/00000000-0000-0000-0000-000000000000"),
        ):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
        assert (await client.get(taken.headers["location"])).json()["status"] == "queued"
        await kafka.start()
        await until_ready(client)
        assert (await client.post(JOBS, json=BODY)).status_code == 202
        assert len((await client.get(JOBS)).json()["jobs"]) == 2
    await kafka.stop()


async def test_a_drain_ends_streams_behind_a_line_and_exits_with_0(
    broker_settings: BrokerSettings, admin: Admin
) -> None:
    job = await JobLog.create(broker_settings, admin)
    job.meta()
    job.start("history")
    await job.commit()
    (port,) = free_ports(1)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "tracestream",
        "gateway",
        env={
            **environ,
            "TRACE_KAFKA_BOOTSTRAP": broker_settings.bootstrap,
            "TRACE_TOPIC_PREFIX": broker_settings.prefix,
            "TRACE_PARTITIONS": str(broker_settings.partitions),
            "TRACE_HTTP_PORT": str(port),
        },
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=GENEROUS) as client:
            async with asyncio.timeout(GENEROUS):
                while True:
                    try:
                        await until_ready(client)
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.05)
            async with client.stream("GET", f"/api/trace/job/{job.job_id}/stream") as answer:
                lines = answer.aiter_lines()
                for kind in ("meta", "domain_start"):
                    assert f'"type":"{kind}"' in await anext(lines)
                process.send_signal(signal.SIGTERM)
                assert [line async for line in lines if line] == []
            begun = time.monotonic()
            assert await process.wait() == 0
            assert time.monotonic() - begun < GENEROUS
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await job.close()


async def test_a_failed_job_that_was_waited_for_answers_its_problem(
    broker_settings: BrokerSettings, admin: Admin
) -> None:
    async with running_gateway(broker_settings) as gateway:
        waiting = asyncio.create_task(
            gateway.client.post(JOBS, json=BODY, headers={"Prefer": "wait=50", "Idempotency-Key": "f"})
        )
        async with asyncio.timeout(GENEROUS):
            while not (jobs := (await gateway.client.get(JOBS)).json()["jobs"]):
                await asyncio.sleep(0.02)
        job = await JobLog.create(broker_settings, admin, job_id=jobs[0]["job_id"])
        told = {
            "type": "urn:tracestream:problem:source",
            "title": "No",
            "status": 502,
            "detail": "It said no.",
        }
        await job.commit(Status.FAILED, problem=told, ended_at=1, expires_at=1 << 45)
        answer = await waiting
        assert (answer.status_code, answer.json()) == (502, told)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["preference-applied"] == "wait=50"
        await job.close()


async def test_too_large_an_answer_is_not_waited_for(broker_settings: BrokerSettings, admin: Admin) -> None:
    async with running_gateway(broker_settings, GatewaySettings(sync_bytes=10_000)) as gateway:
        waiting = asyncio.create_task(
            gateway.client.post(JOBS, json=BODY, headers={"Prefer": "wait=50", "Idempotency-Key": "l"})
        )
        async with asyncio.timeout(GENEROUS):
            while not (jobs := (await gateway.client.get(JOBS)).json()["jobs"]):
                await asyncio.sleep(0.02)
        job = await JobLog.create(broker_settings, admin, job_id=jobs[0]["job_id"])
        job.meta()
        job.start("history")
        job.records("history", 100, padding=200)
        await job.commit()
        answer = await waiting
        assert (answer.status_code, answer.json()["status"]) == (202, "running")
        await job.close()


async def test_listed_origins_are_let_in_and_see_the_headers_they_need(
    broker_settings: BrokerSettings,
) -> None:
    settings = GatewaySettings(cors_origins=("https://page.example",))
    async with running_gateway(broker_settings, settings) as gateway:
        origin = {"Origin": "https://page.example"}
        answer = await gateway.client.get(f"{JOBS}?limit=0", headers=origin)
        assert answer.status_code == 400
        assert answer.headers["access-control-allow-origin"] == "https://page.example"
        exposed = answer.headers["access-control-expose-headers"]
        assert all(name in exposed for name in ("Location", "Link", "ETag", "Retry-After"))
        preflight = await gateway.client.options(
            JOBS,
            headers={
                **origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,idempotency-key,prefer",
            },
        )
        assert preflight.status_code == 200
        assert "POST" in preflight.headers["access-control-allow-methods"]
        other = await gateway.client.get(JOBS, headers={"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_a_deleted_jobs_open_stream_is_cut(broker_settings: BrokerSettings, admin: Admin) -> None:
    async with running_gateway(broker_settings) as one, running_gateway(broker_settings) as two:
        location = (await one.client.post(JOBS, json=BODY)).headers["location"]
        job = await JobLog.create(broker_settings, admin, job_id=location.rpartition("/")[2])
        job.meta()
        await job.commit()
        async with one.client.stream("GET", f"{location}/stream") as answer:
            lines = answer.aiter_lines()
            async with asyncio.timeout(GENEROUS):
                while '"type":"meta"' not in await anext(lines):
                    pass
                assert (await two.client.delete(location)).status_code == 204
                with pytest.raises(httpx.RemoteProtocolError):
                    while True:
                        await anext(lines)
        await job.close()


async def test_a_view_that_is_built_anew_shows_the_states_of_the_log(
    broker_settings: BrokerSettings, admin: Admin
) -> None:
    job = await JobLog.create(broker_settings, admin)
    await job.whole(2, 10)
    view = JobView(broker_settings, 10.0)
    running = asyncio.create_task(view.run())
    async with asyncio.timeout(GENEROUS):
        while not view.ready:
            await asyncio.sleep(0.02)
    state = await view.find(job.job_id)
    assert state == job.state
    assert job_document(state, 0, None).progress.records == 20
    waiting = asyncio.create_task(view.wait_change(job.job_id, state.version, GENEROUS))
    await job.expire()
    changed = await waiting
    assert changed is not None
    assert changed.status is Status.EXPIRED
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await job.close()
