"""Pure: lines into what the consumer gets: the line itself, its message, or its records.

A message is the line's JSON object as a dict: ``{"offset": 3, "type": "records", …}``. What becomes of its numbers says
:mod:`tracestream_client.parsing`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from tracestream_client.errors import JobCancelled, TracestreamError, job_failed
from tracestream_client.parsing import NUMBER_TEXTS, Exact, loads_of, parse, restore, shortened

Message = dict[str, Any]
Record = dict[str, Any]
Columns = Mapping[str, Iterable[Mapping[str, Any]]]
"""By domain, ``columns`` as its ``domain_start`` has them."""

T_co = TypeVar("T_co", covariant=True)

_DOMAIN = re.compile(rb'\{"offset":\d+,"type":"records","domain":("(?:[^"\\]|\\.)*")')


class Reader(Protocol[T_co]):
    """What is made of the lines of one reading, in their order."""

    def read(self, line: bytes, kind: str) -> Sequence[T_co]:
        """What the consumer gets for a line of type ``kind``. Raises NotTracestream when it can't be understood."""

    def failure(self) -> TracestreamError | None:
        """What the consumer has to hear behind the last message, if anything."""


class LineReader:
    """Each line as it stands, with its line end."""

    def read(self, line: bytes, kind: str) -> Sequence[bytes]:
        return (line,)

    def failure(self) -> None:
        return None


class MessageReader:
    """Each line's message. Raises ValueError for an unknown ``exact``."""

    def __init__(self, exact: Exact = None, columns: Columns | None = None) -> None:
        self._loads = loads_of(exact)
        self._texts = exact is str
        self._plain = {domain: _plain(each) for domain, each in (columns or {}).items()}

    def read(self, line: bytes, kind: str) -> Sequence[Message]:
        return (self.message(line, kind),)

    def failure(self) -> None:
        return None

    def message(self, line: bytes, kind: str) -> Message:
        """The message of a line. Raises NotTracestream when it is no JSON object."""
        if kind == "records":
            return self._records(line)
        if kind == "aggregation":
            return self._aggregation(line)
        message = parse(line)
        if kind == "domain_start":
            self._plain[message["domain"]] = _plain(message.get("columns", ()))
        return message

    def _records(self, line: bytes) -> Message:
        message = parse(line, self._loads)
        if self._texts:
            restore(message, ("offset", "batch"))
            if plain := self._plain.get(message["domain"]):
                for record in message["data"]:
                    restore(record, plain)
        return message

    def _aggregation(self, line: bytes) -> Message:
        if not self._texts:
            return parse(line, self._loads)
        message: Message = shortened(parse(line, NUMBER_TEXTS))
        return message


class RecordReader:
    """The records of ``domain``, or of all domains one after the other."""

    def __init__(self, domain: str | None, exact: Exact = None, columns: Columns | None = None) -> None:
        self._domain = domain
        self._messages = MessageReader(exact, columns)
        self._failure: TracestreamError | None = None

    def read(self, line: bytes, kind: str) -> Sequence[Record]:
        if kind == "records" and not self._wanted(line):
            return ()
        if kind == "aggregation":
            return ()
        message = self._messages.message(line, kind)
        if kind == "error":
            self._failure = job_failed(message["problem"])
        elif kind == "cancelled":
            self._failure = JobCancelled("The job was cancelled: its records are not all there.")
        records: Sequence[Record] = message["data"] if kind == "records" else ()
        return records

    def failure(self) -> TracestreamError | None:
        return self._failure

    def _wanted(self, line: bytes) -> bool:
        """Looks at the domain without parsing the records behind it."""
        found = _DOMAIN.match(line)
        return self._domain is None or found is None or json.loads(found[1]) == self._domain


def parse_page(text: bytes, exact: Exact) -> dict[str, Any]:
    """A page; it does not tell of columns, so that with ``str`` each number of its records is text."""
    page = parse(text, loads_of(exact))
    if exact is str:
        restore(page, ("offset", "limit", "total"))
    return page


def _plain(columns: Iterable[Mapping[str, Any]]) -> list[str]:
    """The number columns that a double holds."""
    return [column["name"] for column in columns if column.get("exact_as_double") is True]
