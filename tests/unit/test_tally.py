"""The demo's counting of a stream: what it counts, and each fault it must see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import messages
from schemas.commands import Request
from tracestream.checks import SourceCount, compare
from tracestream.tally import Tally

COLUMNS = {"history": "CID", "materials": "CID"}


def meta() -> bytes:
    request = Request(
        job_id="j",
        domains=tuple(COLUMNS),
        cid_count=3,
        duplicates_dropped=0,
        batch_size=2,
        ttl_seconds=60,
        principal="",
        request_hash="",
        submitted_at=0,
    )
    return messages.meta(request, None)


def domain(name: str, batches: Sequence[Sequence[str]], *, told: int | None = None) -> list[bytes]:
    """The messages of one domain whose batches hold records of these containers."""
    total = sum(map(len, batches))
    lines = [messages.domain_start(name, total_chunks=1, columns=[])]
    for number, ids in enumerate(batches, 1):
        rows = b",".join(msgspec.json.encode({"N": 1.5, "CID": each, "NOTE": None}) for each in ids)
        lines.append(messages.records_prefix(name, number) + rows + messages.RECORDS_SUFFIX)
    end = messages.domain_end(
        name, total_records=total if told is None else told, total_batches=len(batches), null_container_rows=0
    )
    return [*lines, end]


def complete() -> bytes:
    return messages.complete(elapsed_seconds=1, total_records=1)


def spliced(lines: Sequence[bytes]) -> list[bytes]:
    return [b'{"offset":%d,' % (3 * index) + line[1:] for index, line in enumerate(lines)]


def tally(lines: Sequence[bytes]) -> Tally:
    counted = Tally(COLUMNS)
    for line in lines:
        counted.add(line)
    return counted


def rows(ids: Iterable[str], nulls: int = 0) -> SourceCount:
    return SourceCount(Counter(ids), nulls)


BATCHES = st.lists(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4), max_size=5)


@given(BATCHES, BATCHES)
def test_a_whole_stream_agrees_with_what_it_was_made_of(
    history: list[list[str]], materials: list[list[str]]
) -> None:
    stream = spliced([meta(), *domain("history", history), *domain("materials", materials), complete()])
    counted = tally(stream)
    wanted = {"history": rows(chain(*history)), "materials": rows(chain(*materials))}
    assert [check.text for check in compare(counted, wanted) if not check.good] == []
    assert counted.bytes == sum(map(len, stream))
    assert counted.records == sum(each.total for each in wanted.values())


GOOD = [meta(), *domain("history", [["A", "B"], ["A"]]), *domain("materials", [["C"]]), complete()]
WANTED = {"history": rows("ABA"), "materials": rows("C")}


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (spliced([*GOOD[:3], *GOOD[4:]]), "history: 2 records, its end says 3"),
        (spliced([*GOOD[:3], GOOD[2], *GOOD[3:]]), "history: batch 1 follows batch 1"),
        (spliced([*GOOD[:2], GOOD[3], GOOD[2], *GOOD[4:]]), "history: batch 2 follows batch 0"),
        (spliced([*GOOD, complete()]), "a line of type complete behind the last message"),
        ([spliced(GOOD)[0], *spliced(GOOD)], "offset 0 comes after 0"),
        (spliced([meta(), *domain("history", [["A"]], told=7)]), "history: 1 records, its end says 7"),
        (spliced([meta(), *domain("history", [[]])]), "history: batch 1 is empty"),
    ],
)
def test_a_fault_is_seen(lines: list[bytes], fault: str) -> None:
    assert fault in tally(lines).faults
    assert not all(check.good for check in compare(tally(lines), WANTED))


def test_a_container_too_many_and_one_too_few_are_seen_though_the_total_agrees() -> None:
    checks = compare(tally(spliced(GOOD)), {"history": rows("ABB"), "materials": rows("C")})
    assert [check.text for check in checks if not check.good] == ["history: 2 containers have other counts"]


def test_rows_left_out_are_counted_too() -> None:
    checks = compare(tally(spliced(GOOD)), {**WANTED, "materials": rows("C", nulls=2)})
    assert [check.text for check in checks if not check.good] == [
        "materials: 0 rows without a container ID left out, 2 by SQL"
    ]


def test_a_cut_off_stream_is_seen() -> None:
    checks = compare(tally(spliced(GOOD[:-1])), WANTED)
    assert [check.text for check in checks if not check.good] == ["the stream ends with 'None'"]


def test_a_domain_that_is_missing_is_seen() -> None:
    assert not all(check.good for check in compare(tally(spliced([*GOOD[:5], complete()])), WANTED))


def test_the_aggregation_is_kept() -> None:
    line = messages.aggregation("msd", msgspec.Raw(b'{"defects":[1]}'))
    assert tally(spliced([line])).aggregation == b'{"defects":[1]}'


def test_equal_streams_have_equal_digests_and_others_have_not() -> None:
    assert tally(spliced(GOOD)).digest == tally(spliced(GOOD)).digest
    assert tally(spliced(GOOD)).digest != tally(spliced(GOOD[:-1])).digest
