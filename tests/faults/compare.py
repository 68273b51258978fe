"""What is wrong with a log, a list of states or what a reader has read. Pure: an empty list is praise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

from schemas import messages
from schemas.headers import MessageHeaders
from schemas.jobs import TRANSITIONS, JobState, Status
from tests.faults.truth import Expected
from tracestream.verify import exact_json

_OFFSET = re.compile(rb'^\{"offset":(\d+),')
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a job's topic, as a plain consumer that reads committed data gets it."""

    offset: int
    headers: MessageHeaders
    value: bytes


class _Line(msgspec.Struct):
    type: str
    domain: str | None = None
    batch: int | None = None
    total_records: int | None = None
    total_batches: int | None = None
    null_container_rows: int | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    problem: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Line).decode
_records = msgspec.json.Decoder(list[msgspec.Raw]).decode


def differences(expected: Sequence[bytes], found: Sequence[bytes], *, part: bool = False) -> list[str]:
    """What was lost, what came twice or from nowhere, and what came in another order; ``part``: the beginning is enough."""
    if part:
        expected = expected[: len(found)]
    if list(expected) == list(found):
        return []
    want, have = Counter(expected), Counter(found)
    lost, more = want - have, have - want
    doubled = Counter({record: count for record, count in more.items() if record in want})
    foreign = more - doubled
    told = [
        f"{sum(counts.values())} {what}, such as {[bytes(r[:80]) for r in list(counts)[:_SHOWN]]}"
        for what, counts in (("lost", lost), ("doubled", doubled), ("foreign", foreign))
        if counts
    ]
    if not told:
        first = next(i for i, (a, b) in enumerate(zip(expected, found, strict=True)) if a != b)
        told.append(f"another order from record {first} on")
    return told


def log_faults(
    log: Sequence[Message], expected: Expected, ends: Sequence[str], aggregation: Any = None
) -> list[str]:
    """What is wrong with the whole log of a job that may end with one of ``ends``.

    A log that ends with ``complete`` holds everything, any other a beginning. ``aggregation``: what SQL finds, None without.
    """
    faults: list[str] = []
    kinds = [message.headers.type for message in log]
    terminals = [place for place, kind in enumerate(kinds) if kind in messages.TERMINAL]
    if terminals != [len(log) - 1]:
        return [f"{len(terminals)} terminal messages at {terminals} of {len(log)}: {kinds}"]
    if kinds[-1] not in ends:
        problem = _decode(log[-1].value).problem
        faults.append(f"ended with {kinds[-1]}, not {' or '.join(ends)}: {problem or ''}")
    whole = kinds[-1] == messages.COMPLETE
    if kinds.count(messages.META) != 1 or kinds[0] != messages.META:
        faults.append(f"meta stands at {[i for i, kind in enumerate(kinds) if kind == messages.META]}")
    reading = _Domains(expected)
    for message in log[1:-1]:
        reading.take(message)
    faults += reading.faults
    for domain, records in expected.records.items():
        found = reading.found.get(domain, [])
        faults += [f"{domain}: {text}" for text in differences(records, found, part=not whole)]
        if whole and domain not in reading.ended:
            faults.append(f"{domain}: no end")
    if whole and list(expected.records) != reading.order:
        faults.append(f"the domains come as {reading.order}")
    wanted = int(whole and aggregation is not None)
    if len(reading.aggregations) != wanted or (whole and kinds[:-1].count(messages.AGGREGATION) != wanted):
        faults.append(f"{len(reading.aggregations)} aggregations instead of {wanted}")
    elif wanted and exact_json(reading.aggregations[0]) != aggregation:
        faults.append("the aggregation is not what SQL finds")
    return faults


class _Domains:
    """Takes the messages between ``meta`` and the end, in order."""

    def __init__(self, expected: Expected) -> None:
        self.found: dict[str, list[bytes]] = {}
        self.order: list[str] = []
        self.ended: set[str] = set()
        self.aggregations: list[bytes] = []
        self.faults: list[str] = []
        self._batches: Counter[str] = Counter()
        self._expected = expected

    def take(self, message: Message) -> None:
        line, headers = _decode(message.value), message.headers
        if (line.type, line.domain) != (headers.type, headers.domain):
            self.faults.append(f"offset {message.offset}: the headers say {headers}")
        domain = line.domain or ""
        if line.type == messages.AGGREGATION:
            self.aggregations.append(bytes(line.data))
        elif line.type == messages.DOMAIN_START:
            self._check(domain not in self.order, f"{domain} begins twice")
            self.order.append(domain)
            self.found[domain] = []
        elif not self.order or self.order[-1] != domain or domain in self.ended:
            self.faults.append(f"offset {message.offset}: {line.type} of {domain} out of place")
        elif line.type == messages.RECORDS:
            self._take_records(message, line)
        elif line.type == messages.DOMAIN_END:
            self.ended.add(domain)
            found = (line.total_records, line.total_batches, line.null_container_rows)
            told = (len(self.found[domain]), self._batches[domain], self._expected.left_out[domain])
            self._check(found == told, f"{domain}: its end says {found}, but it is {told}")

    def _take_records(self, message: Message, line: _Line) -> None:
        domain, records = line.domain or "", _records(line.data)
        place = (self._batches[domain] + 1, len(self.found[domain]), len(records))
        told = (message.headers.batch, message.headers.first, message.headers.count)
        self._check(place == told and line.batch == told[0], f"{domain}: {told} stands where {place} should")
        self._check(bool(records), f"{domain}: an empty message")
        self._batches[domain] += 1
        self.found[domain] += (bytes(record) for record in records)

    def _check(self, good: bool, fault: str) -> None:
        if not good:
            self.faults.append(fault)


def reader_faults(log: Sequence[Message], lines: Sequence[bytes], *, part: bool = False) -> list[str]:
    """Whether the lines that a reader has put together are the log byte for byte; ``part``: a beginning of it."""
    read: list[tuple[int, bytes]] = []
    for line in lines:
        match = _OFFSET.match(line)
        if match is None:
            return [f"not a line of a stream: {line[:80]!r}"]
        read.append((int(match[1]), b"{" + line[match.end() :]))
    wanted = [(message.offset, message.value) for message in log]
    if part:
        wanted = wanted[: len(read)]
    if read == wanted:
        return []
    offsets = ([offset for offset, _ in each] for each in (read, wanted))
    return [
        f"a reader has {len(read)} lines that are not the log's {len(wanted)}: {list(map(list, offsets))}"
    ]


def beginning_faults(lines: Sequence[bytes], expected: Expected) -> list[str]:
    """Whether the lines that a reader has of a log that was removed meanwhile hold a beginning of each domain."""
    found: dict[str, list[bytes]] = {domain: [] for domain in expected.records}
    for line in map(_decode, lines):
        if line.type == messages.RECORDS:
            found[line.domain or ""] += (bytes(record) for record in _records(line.data))
    return [
        f"{domain}: {text}"
        for domain, records in expected.records.items()
        for text in differences(records, found[domain], part=True)
    ]


def state_faults(states: Sequence[JobState], log_end: int | None = None) -> list[str]:
    """Whether the states of one job, in the order of their offsets, follow the table, and none is ahead of the log.

    ``log_end`` is one behind the last message of the log, None where the topic is gone.
    """
    faults = []
    for before, after in pairwise(states):
        if after.status not in TRANSITIONS[before.status]:
            faults.append(f"{before.status} became {after.status}")
        if after.version <= before.version:
            faults.append(f"version {after.version} follows {before.version}")
        if after.end_offset < before.end_offset or (before.ended and after.end_offset != before.end_offset):
            faults.append(f"the log's end went from {before.end_offset} to {after.end_offset}")
        if before.ended and after.ended_at != before.ended_at:
            faults.append("it ended twice")
    if log_end is not None and states:
        if states[-1].end_offset > log_end:
            faults.append(f"the state says that the log ends at {states[-1].end_offset}, but it is {log_end}")
        if states[-1].ended and states[-1].status is not Status.EXPIRED and states[-1].end_offset != log_end:
            faults.append(f"the last state ends at {states[-1].end_offset}, the log at {log_end}")
    return faults
