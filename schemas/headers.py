"""Kafka headers of job messages and commands: what a reader needs without parsing a value (design: "The job topic").

Header values are ASCII text. A header that does not apply is absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TYPE = "type"
DOMAIN = "domain"
BATCH = "batch"
FIRST = "first"
COUNT = "count"
NEXT_CHUNK = "next_chunk"

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class MessageHeaders:
    """The headers of one message of a job topic.

    ``batch`` counts from 1 in each domain. ``first`` is the record offset of the first record, ``count`` the number of
    records. ``next_chunk`` is the first chunk of the domain of which not every record stands in the log up to and with
    this message: where a successor goes on.
    """

    type: str
    domain: str | None = None
    batch: int | None = None
    first: int | None = None
    count: int | None = None
    next_chunk: int | None = None

    def encode(self) -> list[tuple[str, bytes]]:
        pairs = (
            (TYPE, self.type),
            (DOMAIN, self.domain),
            (BATCH, self.batch),
            (FIRST, self.first),
            (COUNT, self.count),
            (NEXT_CHUNK, self.next_chunk),
        )
        return [(name, str(value).encode("ascii")) for name, value in pairs if value is not None]


def decode(headers: Mapping[str, bytes]) -> MessageHeaders:
    """The opposite of :meth:`MessageHeaders.encode`. Unknown headers are ignored; raises ValueError without a type."""
    if TYPE not in headers:
        raise ValueError("a job message without the header 'type'")

    def number(name: str) -> int | None:
        return int(headers[name]) if name in headers else None

    domain = headers.get(DOMAIN)
    return MessageHeaders(
        type=headers[TYPE].decode("ascii"),
        domain=None if domain is None else domain.decode("ascii"),
        batch=number(BATCH),
        first=number(FIRST),
        count=number(COUNT),
        next_chunk=number(NEXT_CHUNK),
    )
