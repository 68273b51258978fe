"""Finding the message that holds a record, over made-up logs."""

from __future__ import annotations

import math
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblog.cursors import DomainSize, Layout, Search
from schemas import messages
from schemas.headers import MessageHeaders

Log = list[tuple[int, MessageHeaders]]


def written(domains: dict[str, list[int]], gaps: list[int], complete: bool = True) -> tuple[Log, Layout]:
    """A log of the batches given (records of each), with ``gaps`` offsets that show nothing behind each message in turn."""
    headers = [MessageHeaders(messages.META)]
    for domain, batches in domains.items():
        headers.append(MessageHeaders(messages.DOMAIN_START, domain, 1))
        first = 0
        for number, count in enumerate(batches):
            headers.append(MessageHeaders(messages.RECORDS, domain, number + 1, first, count))
            first += count
        headers.append(MessageHeaders(messages.DOMAIN_END, domain))
    if complete:
        headers.append(MessageHeaders(messages.COMPLETE))
    log, offset = [], 0
    for number, each in enumerate(headers):
        log.append((offset, each))
        offset += 1 + gaps[number % len(gaps)]
    sizes = [DomainSize(name, sum(batches), len(batches)) for name, batches in domains.items()]
    return log, Layout(sizes, 0, log[-1][0] + 1)


def look(log: Log, layout: Layout, domain: str, record: int, step: int = 1 << 60) -> Search:
    """Searches as a reader does; a read brings the next message, or nothing when it is more than ``step`` offsets away."""
    offsets = [offset for offset, _ in log]
    search = Search(layout, layout.number(domain), record)
    while (asked := search.probe()) is not None:
        at = bisect_left(offsets, asked)
        if at == len(log) or offsets[at] >= asked + step:
            search.saw_nothing(asked, min(asked + step, layout.end))
        else:
            offset, headers = log[at]
            search.saw(asked, layout.mark(offset, headers), offset + 1)
    return search


batches = st.lists(st.integers(1, 50), max_size=40)


@given(
    domains=st.lists(batches, min_size=1, max_size=4),
    gaps=st.lists(st.integers(0, 5), min_size=1, max_size=7),
    step=st.integers(1, 8),
    data=st.data(),
)
def test_every_record_is_found_and_no_other(
    domains: list[list[int]], gaps: list[int], step: int, data: st.DataObject
) -> None:
    named = {f"d{number}": each for number, each in enumerate(domains)}
    log, layout = written(named, gaps)
    domain = data.draw(st.sampled_from(sorted(named)))
    total = sum(named[domain])
    record = data.draw(st.integers(0, total + 3))
    search = look(log, layout, domain, record, step)
    if record >= total:
        assert search.found is None
        return
    assert search.found is not None
    headers = dict(log)[search.found.offset]
    assert headers.domain == domain
    assert headers.first is not None
    assert headers.count is not None
    assert headers.first <= record < headers.first + headers.count


@given(sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=400), data=st.data())
def test_an_uneven_log_costs_no_more_than_its_logarithm(sizes: list[int], data: st.DataObject) -> None:
    log, layout = written({"history": sizes}, [0, 0, 0, 0, 1])
    record = data.draw(st.integers(0, sum(sizes) - 1))
    search = look(log, layout, "history", record)
    assert search.found is not None
    assert search.probes <= 3 * math.log2(len(log) + 2) + 3


@pytest.mark.parametrize("domain", ["history", "materials"])
@pytest.mark.parametrize("record", [0, 4_999, 5_000, 250_000, 499_999])
def test_in_an_even_log_of_a_hundred_batches_three_reads_suffice(domain: str, record: int) -> None:
    sizes = [5000] * 100
    log, layout = written({"history": sizes, "materials": sizes}, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    search = look(log, layout, domain, record)
    assert search.found is not None
    assert search.probes <= 3
