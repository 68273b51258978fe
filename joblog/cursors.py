"""Where in a job's log a record stands: from a record offset to a Kafka offset, by interpolation (design: "Pages"). Pure.

Theory: the messages of a log have a known order (``meta``; for each domain ``domain_start``, its ``records``, ``domain_end``), so
that every message has an index. A job's state says how many messages and records each domain has; a batch is about as
large as the next. So the index of the message that holds a record is nearly linear in its record offset, and Kafka offsets
are nearly linear in the index: transaction markers and aborted messages make the difference. Each message read says by its
headers what it holds, and narrows the interval; every third guess halves it, so that a log written unevenly costs no more
than its logarithm.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas import messages
from schemas.headers import MessageHeaders

_BEHIND = 1 << 62


@dataclass(frozen=True, slots=True)
class DomainSize:
    """How many records, in how many messages, of a domain stand in the log."""

    domain: str
    records: int
    batches: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What a message at Kafka offset ``offset`` holds: the records ``first`` to before ``behind`` of domain number ``domain``
    (-1: what stands before the first, one more than the last: what stands behind it); ``index`` counts messages from 0."""

    offset: int
    domain: int
    first: int
    behind: int
    index: float


class Layout:
    """The messages of a log as its state counts them; ``begin`` and ``end`` are Kafka offsets (``end`` behind the last one)."""

    def __init__(self, domains: Sequence[DomainSize], begin: int, end: int) -> None:
        self.begin = begin
        self.end = end
        self._numbers = {each.domain: number for number, each in enumerate(domains)}
        self._per_batch = [max(each.records, 1) / max(each.batches, 1) for each in domains]
        self._starts: list[int] = []
        index = 1
        for each in domains:
            self._starts.append(index)
            index += each.batches + 2
        self.messages = index

    def number(self, domain: str) -> int:
        return self._numbers[domain]

    def index(self, domain: int, record: int) -> float:
        """About the index of the message that holds a record."""
        return self._starts[domain] + 1 + record / self._per_batch[domain]

    def mark(self, offset: int, headers: MessageHeaders) -> Mark:
        """A message that was read."""
        number = self._numbers.get(headers.domain) if headers.domain is not None else None
        if number is None:
            before = headers.type == messages.META
            return Mark(offset, -1 if before else len(self._starts), 0, 0, 0 if before else self.messages)
        if headers.type == messages.RECORDS:
            first = headers.first or 0
            index = (
                self.index(number, first)
                if headers.batch is None
                else self._starts[number] + float(headers.batch)
            )
            return Mark(offset, number, first, first + (headers.count or 0), index)
        if headers.type == messages.DOMAIN_START:
            return Mark(offset, number, 0, 0, self._starts[number])
        return Mark(offset, number, _BEHIND, _BEHIND, self.index(number, 0))


@dataclass(slots=True)
class Search:
    """Looks for the message that holds ``record`` of domain number ``domain``.

    Call :meth:`probe` for the Kafka offset to read at, then :meth:`saw` or :meth:`saw_nothing` with what stood there, until
    ``probe`` answers None: then :attr:`found` is the message, or None when the log does not hold the record.
    """

    layout: Layout
    domain: int
    record: int
    found: Mark | None = None
    probes: int = 0
    _low: int = field(init=False)
    _low_index: float = field(init=False)
    _high: int = field(init=False)
    _high_index: float = field(init=False)
    _passing: tuple[int, int] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._low, self._low_index = self.layout.begin, 0.0
        self._high, self._high_index = self.layout.end, float(self.layout.messages)

    def probe(self) -> int | None:
        if self.found is not None or self._low >= self._high:
            return None
        self.probes += 1
        if self._passing is not None:
            return self._passing[1]
        if self.probes % 3 == 0:
            return (self._low + self._high) // 2
        span = self._high_index - self._low_index
        share = (self.layout.index(self.domain, self.record) - self._low_index) / span if span > 0 else 0.5
        guess = self._low + int(share * (self._high - self._low))
        return min(max(guess, self._low), self._high - 1)

    def saw(self, asked: int, mark: Mark, next_offset: int) -> None:
        """The first message at or after ``asked``, and the offset behind it."""
        began, self._passing = self._passing[0] if self._passing else asked, None
        if mark.domain < self.domain or (mark.domain == self.domain and mark.behind <= self.record):
            self._low, self._low_index = max(next_offset, self._low), mark.index + 1
        elif mark.domain > self.domain or mark.first > self.record:
            self._high, self._high_index = min(began, self._high), mark.index
        else:
            self.found = mark

    def saw_nothing(self, asked: int, next_offset: int) -> None:
        """Between ``asked`` and ``next_offset`` stands nothing that a reader sees: it is passed over."""
        began = self._passing[0] if self._passing else asked
        if asked < next_offset < self._high:
            self._passing = (began, next_offset)
        else:
            self._high, self._passing = began, None


class Bookmarks:
    """Where readers will most likely read on: Kafka offsets by topic, domain and record offset; the oldest are forgotten."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._places: OrderedDict[tuple[str, str, int], int] = OrderedDict()

    def put(self, topic: str, domain: str, record: int, offset: int) -> None:
        """The message that holds the record stands at ``offset``, or is the next of its domain behind it."""
        self._places[topic, domain, record] = offset
        self._places.move_to_end((topic, domain, record))
        if len(self._places) > self._most:
            self._places.popitem(last=False)

    def get(self, topic: str, domain: str, record: int) -> int | None:
        return self._places.get((topic, domain, record))
