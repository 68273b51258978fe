"""One job's fold: its log, read committed from the beginning, beside the extraction or after it (design: "Who writes what").

Rules:
1. Nothing of a fold is stored. It is deterministic, so one that starts again finds the same.
2. The log alone says what is so: the states of ``trace.jobs`` are hints that something may have happened, which make it look.
3. It ends with the last ``domain_end``, and its result names the offset behind it; or without a word when the job has ended
   otherwise (a terminal message, no topic).
4. What makes an aggregation impossible becomes a result too, of the same end, so that the job fails saying why. Kafka being
   away does not: the fold goes on when it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

from broker.errors import OffsetOutOfRange, Retriable, TopicGone
from broker.fetch import Batch, Fetched, LogReader, Record
from joblog.ends import last_record
from processors.aggregations.protocol import MAX_RESULT_BYTES, Aggregation, AggregationError
from processors.registry import Registry
from schemas import messages
from schemas.headers import MessageHeaders, decode
from schemas.ids import ContainerIds
from schemas.jobs import JobState
from schemas.problems import AggregationFailed
from schemas.results import Result
from schemas.topics import Names

log = logging.getLogger(__name__)

T = TypeVar("T")
InThread = Callable[..., Awaitable[Any]]
"""Called with a function and its arguments; runs it in a thread of the processor's own."""

_FIRST_PAUSE = 0.05
_TOPIC_PATIENCE = 10.0
"""Seconds until a topic that was never seen counts as gone: a new one is not known to every broker at once."""


@dataclass(frozen=True, slots=True)
class FoldServices:
    """What every fold of a process shares. ``publish`` returns when the result stands in ``trace.results``."""

    reader: LogReader
    names: Names
    registry: Registry
    poll_seconds: float
    in_thread: InThread
    publish: Callable[[Result], Awaitable[None]]


class JobOver(Exception):
    """The job has ended without this fold: there is nobody to publish a result for."""


class Fold:
    """Folds one job. ``state`` is any state of it; nothing but the request and the command's place is taken from it."""

    def __init__(self, services: FoldServices, state: JobState) -> None:
        self._services = services
        self._request = state.request
        self._command = state.command
        self._topic = services.names.job(state.job_id)
        self._news = asyncio.Event()
        self._aggregation: Aggregation | None = None
        self._problem: AggregationFailed | None = None
        self._seen = False

    def look(self) -> None:
        """Something may have happened to the job: look at its log now."""
        self._news.set()

    async def run(self) -> bool:
        """Folds to the end of the log and publishes; False when the job was over before."""
        try:
            await self._check_not_over()
            await self._prepare()
            end = await self._fold_log()
        except JobOver:
            return False
        result = await self._services.in_thread(self._result, end)
        await self._services.publish(result)
        return True

    async def _check_not_over(self) -> None:
        """Looks at the last message, so that a job that has ended is not folded for nothing."""

        async def last() -> Record | None:
            end = (await self._services.reader.offsets(self._topic, 0)).last_stable
            return await last_record(self._services.reader, self._topic, 0, end)

        record = await self._steadily(last)
        if record is not None and decode(record.headers).type in messages.TERMINAL:
            raise JobOver

    async def _prepare(self) -> None:
        name = self._request.aggregation or ""
        kind = self._services.registry.get(name)
        if kind is None:
            known = ", ".join(self._services.registry) or "none"
            self._fail(f"This processor has no aggregation {name}; it has {known}.")
            return
        missing = [domain for domain in kind.spec.needs if domain not in self._request.domains]
        if missing:
            self._fail(
                f"The aggregation {name} needs the domain {missing[0]}, which the job was not asked for."
            )
            return
        ids = await self._read_ids()
        if ids is None:
            self._fail(
                "The submit was removed from the log of commands before the job was folded; submit it again."
            )
            return
        self._aggregation = await self._services.in_thread(kind, ids)

    async def _read_ids(self) -> ContainerIds | None:
        place = self._command
        reader, topic = self._services.reader, self._services.names.commands
        try:
            fetched = await self._steadily(lambda: reader.fetch(topic, place.partition, place.offset))
        except OffsetOutOfRange:
            return None
        for batch in fetched.batches:
            for record in await self._services.in_thread(batch.records):
                if record.offset == place.offset and record.value is not None:
                    with suppress(ValueError):
                        ids: ContainerIds = await self._services.in_thread(_container_ids, record.value)
                        return ids
        return None

    async def _fold_log(self) -> int:
        """Reads to the last ``domain_end``; the offset behind it. Raises JobOver."""
        position = 0
        while True:
            fetched = await self._next(position)
            for batch in fetched.batches:
                end = await self._services.in_thread(self._take, batch)
                if end is not None:
                    return int(end)
            position = fetched.next_offset

    async def _next(self, position: int) -> Fetched:
        """What stands at ``position``, once something does."""
        pause = _FIRST_PAUSE
        while True:
            self._news.clear()
            fetched = await self._steadily(lambda: self._services.reader.fetch(self._topic, 0, position))
            if fetched.next_offset > position:
                return fetched
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
                pause = _FIRST_PAUSE
            except TimeoutError:
                pause = min(pause * 2, self._services.poll_seconds)

    async def _steadily(self, call: Callable[[], Awaitable[T]]) -> T:
        """Repeats the call until Kafka answers. Raises JobOver where the job's topic is gone."""
        clock = asyncio.get_running_loop().time
        until = clock() + _TOPIC_PATIENCE
        while True:
            try:
                found = await call()
            except TopicGone:
                if self._seen or clock() > until:
                    raise JobOver from None
            except Retriable as error:
                log.warning("the fold of job %s waits for Kafka: %s", self._request.job_id, error)
            else:
                self._seen = True
                return found
            await asyncio.sleep(_FIRST_PAUSE)

    def _take(self, batch: Batch) -> int | None:
        """Folds a batch, in a thread; the end of the log where the last domain ends in it. Raises JobOver."""
        for record in batch.records():
            headers = decode(record.headers)
            if headers.type in messages.TERMINAL:
                raise JobOver
            if headers.type == messages.DOMAIN_END and headers.domain == self._request.domains[-1]:
                return record.offset + 1
            if self._aggregation is not None and record.value is not None:
                try:
                    self._take_message(self._aggregation, headers, record.value)
                except AggregationError as error:
                    self._fail(str(error))
                except Exception as error:
                    log.exception("the fold of job %s failed", self._request.job_id)
                    self._fail(f"The aggregation failed at offset {record.offset}: {type(error).__name__}.")
        return None

    def _take_message(self, aggregation: Aggregation, headers: MessageHeaders, value: memoryview) -> None:
        needed = aggregation.spec.needs.get(headers.domain or "")
        if needed is None:
            return
        if headers.type == messages.DOMAIN_START:
            columns = {column["name"] for column in msgspec.json.decode(value)["columns"]}
            if missing := [name for name in needed if name not in columns]:
                raise AggregationError(
                    f"The domain {headers.domain} has no column {', '.join(missing)}, which the aggregation"
                    f" {aggregation.spec.name} needs."
                )
        elif headers.type == messages.RECORDS:
            aggregation.fold(headers.domain or "", value)

    def _fail(self, detail: str) -> None:
        self._problem = self._problem or AggregationFailed(detail)
        self._aggregation = None

    def _result(self, end: int) -> Result:
        """The result of a log that was folded to ``end``, in a thread."""
        job_id, name = self._request.job_id, self._request.aggregation or ""
        if self._aggregation is not None:
            try:
                data = self._aggregation.result()
                if len(data) <= MAX_RESULT_BYTES:
                    return Result(job_id, name, end, data=msgspec.Raw(data))
                self._fail(f"The result of {len(data)} bytes is larger than {MAX_RESULT_BYTES} bytes.")
            except AggregationError as error:
                self._fail(str(error))
            except Exception as error:
                log.exception("the result of job %s failed", job_id)
                self._fail(f"The aggregation failed at its end: {type(error).__name__}.")
        problem = self._problem or AggregationFailed("The aggregation gave nothing.")
        return Result(job_id, name, end, problem=problem.document())


def _container_ids(value: memoryview) -> ContainerIds:
    """The IDs of a submit, in a thread. Reading them takes several times their size, which is given back at once."""
    ids = ContainerIds.from_command(value)
    pa.default_memory_pool().release_unused()
    return ids
