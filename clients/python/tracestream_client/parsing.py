"""Pure: JSON into objects, with numbers as the caller wants them.

By the standard library, or by msgspec where it is installed (the extra ``fast``), which takes half the time. Both give the same:
what msgspec refuses the standard library decides.

What becomes of numbers is one option, ``exact``: Python's integers are as exact as JSON's, but a fraction that is read as a float
may lose digits. ``domain_start`` says of each column whether its numbers are safe (``exact_as_double``).

- ``None``: fractions are floats. The fastest.
- ``Decimal``: fractions of records and aggregations are :class:`decimal.Decimal`, digit by digit.
- ``str``: the numbers of those columns that a double can't hold are the text that stands in the line, as in the JavaScript client;
  other columns' are int and float. A reading that begins behind a domain's ``domain_start`` does not know its columns
  unless it is told: then each of its numbers is text. Of an aggregation those numbers are text that a double does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from tracestream_client.errors import NotTracestream

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment]

Exact = type[Decimal] | type[str] | None
Loads = Callable[[bytes], Any]


class NumberText(str):
    """A number as it stands in the JSON, which a string beside it is not."""

    __slots__ = ()


PLAIN: Loads = json.loads
DECIMALS: Loads = partial(json.loads, parse_float=Decimal)
TEXTS: Loads = partial(json.loads, parse_int=str, parse_float=str)
NUMBER_TEXTS: Loads = partial(json.loads, parse_int=NumberText, parse_float=NumberText)


def loads_of(exact: Exact) -> Loads:
    """How records are parsed; with ``str`` all numbers are texts. Raises ValueError for anything but the three."""
    if exact is None:
        return _by_msgspec(PLAIN, None)
    if exact is Decimal:
        return _by_msgspec(DECIMALS, Decimal)
    if exact is str:
        return TEXTS
    raise ValueError(f"exact is {exact!r}; it must be None, decimal.Decimal or str.")


def parse(text: bytes, loads: Loads = PLAIN) -> dict[str, Any]:
    """A JSON object. Raises NotTracestream for anything else."""
    try:
        value = loads(text)
    except ValueError as error:
        raise NotTracestream(f"This is not JSON ({error}): {text[:80]!r}") from None
    if not isinstance(value, dict):
        raise NotTracestream(f"This is not a JSON object: {text[:80]!r}")
    return value


def restore(members: dict[str, Any], names: Iterable[str]) -> None:
    """Makes numbers of those texts again, in place."""
    for name in names:
        text = members.get(name)
        if text is not None:
            members[name] = _number(text)


def shortened(value: Any) -> Any:
    """``value`` with each :class:`NumberText` that a double holds as int or float, and the text of every other one."""
    if isinstance(value, NumberText):
        number = _number(value)
        return number if _holds(number, value) else str(value)
    if isinstance(value, dict):
        return {name: shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shortened(each) for each in value]
    return value


def _by_msgspec(loads: Loads, float_hook: Callable[[str], Any] | None) -> Loads:
    if msgspec is None:
        return loads
    decode, refused = msgspec.json.Decoder(float_hook=float_hook).decode, msgspec.DecodeError

    def load(text: bytes) -> Any:
        try:
            return decode(text)
        except (refused, UnicodeDecodeError):
            return loads(text)

    return load


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _holds(number: float, text: str) -> bool:
    try:
        return Decimal(repr(float(number))) == Decimal(text)
    except OverflowError:
        return False
