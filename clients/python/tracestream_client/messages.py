"""Pure: lines into what the consumer gets: the line itself, its message, or its records.

A message is the line's JSON object as a dict: ``{"offset": 3, "type": "records", …}``. What becomes of numbers is one option,
``exact``: Python's integers are as exact as JSON's, but a fraction that is read as a float may lose digits. ``domain_start`` says
of each column whether its numbers are safe (``exact_as_double``).

- ``None``: fractions are floats. The fastest.
- ``Decimal``: fractions of records and aggregations are :class:`decimal.Decimal`, digit by digit.
- ``str``: the numbers of those columns that a double can't hold are the text that stands in the line, as in the JavaScript client;
  other columns' are int and float. A reading that begins behind a domain's ``domain_start`` does not know its columns
  unless it is told: then each of its numbers is text. Of an aggregation those numbers are text that a double does not hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from tracestream_client.errors import JobCancelled, NotTracestream, TracestreamError, job_failed

Exact = type[Decimal] | type[str] | None
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
        self._options = _options(exact)
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
        message = parse(line, **self._options)
        if self._texts:
            _restore(message, ("offset", "batch"))
            if plain := self._plain.get(message["domain"]):
                for record in message["data"]:
                    _restore(record, plain)
        return message

    def _aggregation(self, line: bytes) -> Message:
        if not self._texts:
            return parse(line, **self._options)
        message: Message = _shortened(parse(line, parse_int=_Text, parse_float=_Text))
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


_OPTIONS: dict[Exact, dict[str, Any]] = {
    None: {},
    Decimal: {"parse_float": Decimal},
    str: {"parse_int": str, "parse_float": str},
}


def _options(exact: Exact) -> dict[str, Any]:
    if exact not in _OPTIONS:
        raise ValueError(f"exact is {exact!r}; it must be None, decimal.Decimal or str.")
    return _OPTIONS[exact]


def parse(text: bytes, **options: Any) -> dict[str, Any]:
    """A JSON object; ``options`` are those of :func:`json.loads`. Raises NotTracestream for anything else."""
    try:
        value = json.loads(text, **options)
    except ValueError as error:
        raise NotTracestream(f"This is not JSON ({error}): {text[:80]!r}") from None
    if not isinstance(value, dict):
        raise NotTracestream(f"This is not a JSON object: {text[:80]!r}")
    return value


def parse_page(text: bytes, exact: Exact) -> dict[str, Any]:
    """A page; it does not tell of columns, so that with ``str`` each number of its records is text."""
    page = parse(text, **_options(exact))
    if exact is str:
        _restore(page, ("offset", "limit", "total"))
    return page


class _Text(str):
    """A number as it stands in the JSON, which a string beside it is not."""

    __slots__ = ()


def _plain(columns: Iterable[Mapping[str, Any]]) -> list[str]:
    """The number columns that a double holds."""
    return [column["name"] for column in columns if column.get("exact_as_double") is True]


def _restore(members: dict[str, Any], names: Iterable[str]) -> None:
    """Makes texts of numbers the numbers that they are by themselves."""
    for name in names:
        text = members.get(name)
        if text is not None:
            members[name] = _number(text)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _shortened(value: Any) -> Any:
    """``value`` with each number that a double holds as int or float, and the text of every other one."""
    if isinstance(value, _Text):
        number = _number(value)
        return number if Decimal(repr(float(number))) == Decimal(value) else str(value)
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    return value
