"""A case's job: its log written into Kafka, and what happens to it while a client reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.joblogs import JobLog

_DEFAULTS: Mapping[str, Any] = {
    "domains": ["history"],
    "batches": 3,
    "per_batch": 10,
    "padding": 0,
    "per_transaction": 4,
    "end": "complete",
    "columns": [],
    "record": None,
}


class CaseLog:
    """The job of a case; :meth:`write` first."""

    def __init__(self, log: JobLog, admin: Admin, spec: Mapping[str, Any]) -> None:
        assert not set(spec) - set(_DEFAULTS), spec
        self._log = log
        self._admin = admin
        self._spec = {**_DEFAULTS, **spec}

    @classmethod
    async def write(cls, settings: BrokerSettings, admin: Admin, spec: Mapping[str, Any]) -> CaseLog:
        """The job with the log that ``spec`` asks for."""
        domains = spec.get("domains", _DEFAULTS["domains"])
        found = cls(await JobLog.create(settings, admin, domains=domains), admin, spec)
        await found._write()
        return found

    @property
    def job_id(self) -> str:
        return self._log.job_id

    @property
    def lines(self) -> list[bytes]:
        """What stands in the log, without offsets."""
        return self._log.lines

    async def close(self) -> None:
        await self._log.close()

    async def append(self) -> None:
        """One more transaction of records."""
        self._records(self._spec["domains"][-1])
        await self._log.commit()

    async def finish(self, end: str) -> None:
        """The last message; ``expired`` is one too: the log is gone."""
        if end == "complete":
            self._log.end(self._spec["domains"][-1])
            await self._log.complete()
        elif end == "cancelled":
            await self._log.cancel()
        elif end == "failed":
            await self._log.fail()
        elif end == "expired":
            if not self._log.state.ended:
                await self.finish("complete")
            await self._log.expire()
            await self._admin.delete_topics([self._log.topic])
        else:
            assert end == "running", end

    async def _write(self) -> None:
        spec, log = self._spec, self._log
        log.meta()
        for number, domain in enumerate(spec["domains"]):
            if number:
                log.end(spec["domains"][number - 1])
            log.start(domain, spec["columns"])
            for batch in range(spec["batches"]):
                self._records(domain)
                if batch % spec["per_transaction"] == spec["per_transaction"] - 1:
                    await log.commit()
        await log.commit()
        await self.finish(spec["end"])

    def _records(self, domain: str) -> None:
        text = self._spec["record"]
        count, padding = self._spec["per_batch"], self._spec["padding"]
        self._log.records(domain, count, padding, text=None if text is None else text.encode())
