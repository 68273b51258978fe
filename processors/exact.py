"""Exact arithmetic with the numbers of records: fixed-point integers, never a double. Pure.

A quantity is held as an integer, in units of ``10 ** -decimals``; everything that is added up shares one ``decimals``. Arrays
are int64 as long as no sum can leave that range, and of Python's integers otherwise: slower and larger, but exact as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[Any]
"""int64 (int32 where many are kept), or objects: Python's integers."""

_LIMIT = 1 << 63
_UNROUNDED = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def decimals_of(numbers: Sequence[Decimal | None]) -> int:
    """The fewest digits behind the point that hold all the numbers exactly."""
    return max((_decimals(each) for each in numbers if each is not None and each != int(each)), default=0)


def _decimals(number: Decimal) -> int:
    return -int(_UNROUNDED.normalize(number).as_tuple().exponent)


def integers(numbers: Sequence[Decimal | None], decimals: int) -> Integers:
    """The numbers in units of ``10 ** -decimals``, None as 0; ``decimals`` must be enough for all."""
    if decimals:
        units = [0 if each is None else int(_UNROUNDED.scaleb(each, decimals)) for each in numbers]
    else:
        units = [0 if each is None else int(each) for each in numbers]
    try:
        return np.array(units, np.int64)
    except OverflowError:
        return np.array(units, object)


def magnitude(values: Integers) -> int:
    """The largest absolute value; 0 of nothing."""
    return max(int(values.max()), -int(values.min())) if values.size else 0


def with_room(values: Integers, growth: int) -> Integers:
    """The same values in a type in which each may grow by ``growth``: int32, int64 or objects, never a smaller one."""
    reach = magnitude(values) + growth
    wider = np.int32 if reach < 1 << 31 else np.int64 if reach < _LIMIT else object
    return values.astype(np.promote_types(values.dtype, wider), copy=False)


def total(values: Integers) -> int:
    """The sum of a one-dimensional array."""
    if values.dtype == object or magnitude(values) * len(values) >= _LIMIT:
        return int(values.astype(object).sum()) if len(values) else 0
    return int(values.sum(dtype=np.int64))


def totals_by_run(values: Integers, starts: npt.NDArray[np.int64]) -> Integers:
    """Sums along the last axis of runs that begin at ``starts`` (ascending, the first is 0) and end where the next begins."""
    if values.dtype != object and magnitude(values) * values.shape[-1] >= _LIMIT:
        values = values.astype(object)
    sums: Integers = np.add.reduceat(values, starts, axis=-1)
    return sums


def number(units: int, decimals: int) -> bytes:
    """A JSON number with all its digits and no trailing zeros behind the point."""
    whole, part = divmod(abs(units), 10**decimals)
    digits = f"{part:0{decimals}d}".rstrip("0") if part else ""
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{digits}".encode() if digits else f"{sign}{whole}".encode()


def ratio(part: int, whole: int, decimals: int) -> bytes:
    """``part / whole`` as a JSON number rounded half to even to so many digits behind the point; null when ``whole`` is 0."""
    if not whole:
        return b"null"
    return number(round(Fraction(part * 10**decimals, whole)), decimals)
