"""Topics that belong to no job, or to one that is over, and the sweep that removes them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from schemas.commands import DELETE
from schemas.jobs import Status
from schemas.topics import job_topic
from tests.integration.lots import CATALOGUE, IDS
from tests.workers import QUICK, JobClient, kinds_of, records_of, running_worker, until

SWEEPING = replace(QUICK, sweep_seconds=1.0)


async def test_a_job_that_is_submitted_while_the_sweep_removes_its_orphaned_topic_loses_nothing(
    broker: BrokerSettings, lots: Path, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = str(uuid4())
    deletes = Admin.delete_topics
    async with JobClient(broker) as client:

        async def delete_topics(self: Admin, names: Collection[str]) -> list[str]:
            """Kafka takes its time, and the submit comes in meanwhile."""
            monkeypatch.setattr(Admin, "delete_topics", deletes)
            await client.submit(IDS, ["lots"], job_id=job_id)
            await asyncio.sleep(2)
            return await deletes(self, names)

        await admin.create_topics([job_topic(client.names, job_id, 1, 1)])
        monkeypatch.setattr(Admin, "delete_topics", delete_topics)
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            lines = await client.lines(job_id)
            await client.state_when(job_id, lambda state: state.ended)
            assert client.names.job(job_id) in await admin.list_topics()
            states = await client.states(job_id)
    assert kinds_of(lines)[0] == "meta"
    assert [record["CONTAINERID"] for record in records_of(lines, "lots")] == IDS
    assert [state.status for state in states].count(Status.QUEUED) == 1


async def test_the_topic_of_a_deleted_job_that_stands_again_is_removed_by_the_sweep(
    broker: BrokerSettings, lots: Path, admin: Admin
) -> None:
    async with (
        running_worker(broker, lots, catalogue=CATALOGUE, settings=SWEEPING),
        JobClient(broker) as client,
    ):
        job_id = await client.submit(IDS, ["lots"])
        await client.lines(job_id)
        await client.command(job_id, DELETE)
        topic = job_topic(client.names, job_id, 1, 1)

        async def is_gone() -> bool:
            return topic.name not in await admin.list_topics()

        await client.state_when(job_id, lambda state: state.status is Status.EXPIRED)
        await until(is_gone)
        # As one does who owned the partition before and has not heard of the job's end.
        await admin.create_topics([topic])
        await until(is_gone)
        assert (await client.states(job_id))[-1].status is Status.EXPIRED
