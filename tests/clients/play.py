"""Plays one case with one driver, and compares what came with what was promised."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.cases import Call, Case
from tests.clients.drivers import Driver, Outcome
from tests.clients.gateway import GatewayProcess
from tests.clients.logs import CaseLog
from tests.clients.network import Network

DEADLINE = 120.0
ON_JOBS = {"stream", "records", "status", "page", "cancel", "remove", "set_ttl"}
STATE_OF = {"complete": "complete", "cancel": "cancelled"}


@dataclass(slots=True)
class Play:
    """One case. ``log`` is what the gateway itself gives, offsets included."""

    case: Case
    gateway: GatewayProcess
    broker: BrokerSettings
    admin: Admin
    job: CaseLog | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    _later: list[asyncio.Task[None]] = field(default_factory=list)
    _network: Network | None = None

    async def run(self, driver: Driver) -> None:
        """Everything, from writing the log to the comparison."""
        case = self.case
        if case.job is not None:
            self.job = await CaseLog.write(self.broker, self.admin, case.job)
        try:
            self.log = await self._read_log()
            before = await self._newest_job() if "jobs_made" in case.expect else None
            async with asyncio.timeout(DEADLINE), Network(self.gateway.port, case.network) as network:
                self._network = network
                await driver(network.url, self._call(), self._after, self.outcome)
            await asyncio.gather(*self._later)
            self._compare(network)
            if "jobs_made" in case.expect:
                assert await self._jobs_since(before) == case.expect["jobs_made"]
        finally:
            if self.job is not None:
                await self.job.close()

    @property
    def job_id(self) -> str:
        return self.job.job_id if self.job else "00000000-0000-4000-8000-000000000000"

    def _call(self) -> Call:
        arguments = dict(self.case.call.arguments)
        if self.case.call.operation in ON_JOBS:
            arguments.setdefault("job", "$job")
        if arguments.get("job") == "$job":
            arguments["job"] = self.job_id
        if isinstance(offset := arguments.get("offset"), Mapping):
            arguments["offset"] = self._offset(**offset)
        return Call(self.case.call.operation, arguments, self.case.call.options)

    def _offset(self, line: int | None = None, behind: int | None = None) -> int:
        if line is not None:
            return int(self.log[line]["offset"])
        assert behind is not None
        return int(self.log[behind]["offset"]) + 1

    async def _after(self, count: int) -> bool:
        """What the case wants to happen behind the item number ``count``; False when the caller has enough."""
        for step in self.case.during:
            if step["after"] != count:
                continue
            if step["do"] == "abort":
                return False
            if step["do"] == "wait_and_complete":
                self._later.append(asyncio.create_task(self._complete_later(step["seconds"])))
            else:
                await self._do(step)
        return True

    async def _do(self, step: Mapping[str, Any]) -> None:
        assert self._network is not None
        what = step["do"]
        if what == "wait":
            await asyncio.sleep(step["seconds"])
        elif what == "restart":
            await self.gateway.restart()
        elif what == "cut":
            self._network.cut()
        else:
            assert self.job is not None
            if what == "append":
                await self.job.append()
            else:
                await self.job.finish(
                    {"complete": "complete", "cancel": "cancelled", "expire": "expired"}[what]
                )

    async def _complete_later(self, seconds: float) -> None:
        assert self.job is not None
        await asyncio.sleep(seconds)
        await self.job.finish("complete")

    def _compare(self, network: Network) -> None:
        expect = dict(self.case.expect)
        self._compare_items(expect)
        self._compare_answer(expect)
        seen = network.seen
        if (wanted := expect.pop("connections", None)) is not None:
            least, most = (
                (wanted, wanted) if isinstance(wanted, int) else (wanted["min"], wanted.get("max", 10**6))
            )
            assert least <= len(seen) <= most, seen
        if (offsets := expect.pop("offsets", None)) is not None:
            assert [each.offset for each in seen] == offsets
        if (resumes := expect.pop("resumes", None)) is not None:
            assert len(self.outcome.resumes) == resumes
        if (waited := expect.pop("waited", None)) is not None:
            assert seen[-1].at - seen[0].at >= waited
        expect.pop("jobs_made", None)
        assert not expect, f"not understood: {expect}"

    def _compare_items(self, expect: dict[str, Any]) -> None:
        items, outcome = self.outcome.items, self.outcome
        lines = [json.loads(line) for line in self.job.lines] if self.job else []
        if (bounds := expect.pop("messages", None)) is not None:
            assert [_without_offset(each) for each in items] == lines[slice(*bounds)]
        if (least := expect.pop("messages_at_least", None)) is not None:
            assert len(items) >= least
            assert [_without_offset(each) for each in items] == lines[: len(items)]
        if self.case.call.operation == "stream":
            offsets = [each["offset"] for each in items]
            assert offsets == sorted(set(offsets))
            known = [each["offset"] for each in self.log]
            assert [each for each in offsets if each <= max(known, default=-1)] == [
                each for each in known if each in offsets
            ]
        if (bounds := expect.pop("records", None)) is not None:
            domain = self.case.call.arguments.get("domain")
            chosen = [
                each for each in lines if each["type"] == "records" and domain in (None, each["domain"])
            ]
            assert items == [record for each in chosen for record in each["data"]][slice(*bounds)]
        if (values := expect.pop("values", None)) is not None:
            assert items == values
            assert all(list(item) == list(value) for item, value in zip(items, values, strict=True))
        assert outcome.ended or outcome.error is not None

    def _compare_answer(self, expect: dict[str, Any]) -> None:
        error, wanted = self.outcome.error, expect.pop("error", None)
        if wanted is None:
            assert error is None, error
        else:
            assert error is not None, f"{self.outcome.items} came, and no error"
            self._compare_error(error, wanted)
        for name, value in expect.pop("result", {}).items():
            found = self.outcome.result[name]
            if value == "*":
                assert found is not None, name
            else:
                assert found == (self.job_id if value == "$job" else value), name

    def _compare_error(self, error: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        found = {**(error.get("members") or {}), **error}
        found["type"] = str(error.get("type", "")).rpartition(":")[2]
        assert {name: found.get(name) for name in wanted} == dict(wanted), error

    async def _read_log(self) -> list[dict[str, Any]]:
        """The lines that are there now, from the gateway itself."""
        if self.job is None or not self.job.lines or self.case.job is None:
            return []
        if self.case.job.get("end") == "expired":
            return []
        url = f"{self.gateway.url}/api/trace/job/{self.job_id}/stream"
        async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
            answer = await client.get(url, params={"limit": len(self.job.lines)})
        lines = [json.loads(each) for each in answer.text.split("\n") if each]
        assert [_without_offset(each) for each in lines] == [json.loads(each) for each in self.job.lines]
        return lines

    async def _newest_job(self) -> str | None:
        jobs = await self._jobs()
        return jobs[0] if jobs else None

    async def _jobs_since(self, newest: str | None) -> int:
        jobs = await self._jobs()
        return jobs.index(newest) if newest in jobs else len(jobs)

    async def _jobs(self) -> list[str]:
        async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
            answer = await client.get(f"{self.gateway.url}/api/trace/jobs", params={"limit": 100})
        return [each["job_id"] for each in answer.json()["jobs"]]


def new_prefix() -> str:
    """Of topics: a deployment of the test's own."""
    return f"c{uuid.uuid4().hex[:12]}."


def _without_offset(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "offset"}
