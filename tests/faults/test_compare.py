"""The comparison finds what it is for: nothing else would notice if it did not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas import messages
from schemas.commands import Request
from schemas.headers import MessageHeaders
from schemas.jobs import CommandPlace, JobState, Status, changed, new_state
from tests.faults.compare import Message, differences, log_faults, reader_faults, state_faults
from tests.faults.truth import Expected

RECORDS = [b'{"N":%d}' % number for number in range(6)]
EXPECTED = Expected({"history": RECORDS}, {"history": 2})
REQUEST = Request("id", ("history",), 6, 0, 5000, 60, "me", "h", 0, aggregation="msd")
FOUND = {"rate": Decimal("0.1")}


def line(kind: str, value: bytes, domain: str | None = None, **headers: Any) -> tuple[MessageHeaders, bytes]:
    return MessageHeaders(kind, domain, **headers), value


def records(batch: int, first: int, count: int) -> tuple[MessageHeaders, bytes]:
    body = b",".join(RECORDS[first : first + count])
    value = messages.records_prefix("history", batch) + body + messages.RECORDS_SUFFIX
    return line(messages.RECORDS, value, "history", batch=batch, first=first, count=count)


def whole() -> list[Message]:
    end = messages.domain_end("history", total_records=6, total_batches=2, null_container_rows=2)
    aggregation = messages.aggregation("msd", msgspec.Raw(b'{"rate":0.1}'))
    complete = messages.complete(elapsed_seconds=1, total_records=6)
    parts = [
        line(messages.META, messages.meta(REQUEST, None)),
        line(messages.DOMAIN_START, messages.domain_start("history", total_chunks=1, columns=[]), "history"),
        records(1, 0, 4),
        records(2, 4, 2),
        line(messages.DOMAIN_END, end, "history"),
        line(messages.AGGREGATION, aggregation),
        line(messages.COMPLETE, complete),
    ]
    return [Message(number * 2, headers, value) for number, (headers, value) in enumerate(parts)]


def faults(log: list[Message], ends: tuple[str, ...] = ("complete",), aggregation: Any = FOUND) -> list[str]:
    return log_faults(log, EXPECTED, ends, aggregation)


def test_a_whole_log_has_no_fault() -> None:
    assert faults(whole()) == []


def replaced(place: int, part: tuple[MessageHeaders, bytes]) -> list[Message]:
    log = whole()
    log[place] = Message(log[place].offset, *part)
    return log


CANCELLED = line(messages.CANCELLED, messages.cancelled(elapsed_seconds=1))


@pytest.mark.parametrize(
    ("log", "fault"),
    [
        (lambda: whole()[:3] + whole()[4:], "2 lost"),
        (lambda: [*whole()[:4], *whole()[3:]], "2 doubled"),
        (lambda: replaced(3, records(2, 3, 2)), "1 lost"),
        (lambda: [*whole()[:2], whole()[3], whole()[2], *whole()[4:]], "another order from record 0"),
        (lambda: [*whole(), whole()[-1]], "2 terminal messages"),
        (lambda: [*whole(), whole()[3]], "1 terminal messages at [6]"),
        (lambda: whole()[:-1], "0 terminal messages"),
        (lambda: [whole()[0], *whole()], "meta stands at [0, 1]"),
        (lambda: whole()[:4] + whole()[5:], "no end"),
        (lambda: whole()[:5] + whole()[6:], "0 aggregations instead of 1"),
        (lambda: [*whole()[:-1], Message(99, *CANCELLED)], "ended with cancelled"),
        (lambda: replaced(3, records(3, 4, 2)), "stands where"),
        (lambda: [*whole()[:5], whole()[3], *whole()[5:]], "out of place"),
    ],
)
def test_each_fault_is_found(log: Callable[[], list[Message]], fault: str) -> None:
    assert any(fault in text for text in faults(log())), faults(log())


def test_an_aggregation_that_is_not_sqls_is_found() -> None:
    assert faults(whole(), aggregation={"rate": Decimal("0.2")}) == ["the aggregation is not what SQL finds"]


def test_a_cancelled_job_has_a_beginning_of_the_records() -> None:
    log = [*whole()[:3], Message(99, *CANCELLED)]
    assert faults(log, ("cancelled",)) == []
    assert any(
        "1 lost" in text for text in faults([*log[:2], Message(4, *records(1, 1, 3)), log[3]], ("cancelled",))
    )


def test_a_foreign_record_is_told_from_a_doubled_one() -> None:
    assert "foreign" in differences(RECORDS, [*RECORDS, b'{"N":7}'])[0]
    assert "doubled" in differences(RECORDS, [*RECORDS, RECORDS[0]])[0]


def test_a_reader_has_the_log_byte_for_byte_or_not() -> None:
    log = whole()
    lines = [b'{"offset":%d,%b' % (message.offset, message.value[1:]) for message in log]
    assert reader_faults(log, lines) == []
    assert reader_faults(log, lines[:3], part=True) == []
    assert reader_faults(log, lines[:-1])
    assert reader_faults(log, [*lines[:2], *lines[1:]])
    assert reader_faults(log, [lines[0].replace(b'"offset":0', b'"offset":1'), *lines[1:]])
    assert reader_faults(log, [lines[0].replace(b'"id"', b'"ID"'), *lines[1:]])


def states() -> list[JobState]:
    first = new_state(REQUEST, CommandPlace(0, 0), "topic")
    running = changed(first, status=Status.RUNNING, end_offset=5)
    return [first, running, changed(running, status=Status.COMPLETE, end_offset=9, ended_at=1)]


def test_states_that_follow_the_table_have_no_fault() -> None:
    assert state_faults(states(), 9) == []


@pytest.mark.parametrize(
    ("found", "log_end", "fault"),
    [
        (lambda: [*states(), states()[1]], None, "complete became running"),
        (lambda: [states()[0], states()[0]], None, "version 1 follows 1"),
        (lambda: states()[:2], 4, "says that the log ends at 5"),
        (states, 10, "the log at 10"),
        (
            lambda: [*states(), msgspec.structs.replace(states()[2], version=4, ended_at=2)],
            None,
            "ended twice",
        ),
        (
            lambda: [*states(), msgspec.structs.replace(states()[2], version=4, end_offset=11)],
            None,
            "went from",
        ),
    ],
)
def test_a_wrong_state_is_found(found: Callable[[], list[JobState]], log_end: int | None, fault: str) -> None:
    assert any(fault in text for text in state_faults(found(), log_end))
