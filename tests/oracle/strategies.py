"""Values of each of Oracle's types, for property tests; every one is a value that the type can hold."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.oracle import Moment, types
from tests.oracle.types import OracleType

characters = st.characters(exclude_categories=["Cs"])
"""Every character but half of a surrogate pair."""
texts = st.text(characters, max_size=40)
long_texts = st.integers(240, 2000).flatmap(lambda size: st.text("aä€𝄞\0'\n", min_size=size, max_size=size))


def _decimals(digits: int, least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.builds(
        lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
        st.integers(0, 1),
        st.integers(0, 10**digits - 1),
        st.integers(least, most),
    )


numbers = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    st.integers(2**53 - 2, 2**53 + 100).map(Decimal),
    _decimals(38, -40, 0),
    _decimals(20, -120, 100),
)
"""NUMBER without a precision: up to 38 digits, from 1E-120 to 1E120."""


def scaled(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    """NUMBER(p,s)."""
    return st.integers(-(10**precision) + 1, 10**precision - 1).map(
        lambda value: Decimal(value).scaleb(-scale)
    )


moments = st.builds(
    Moment,
    st.integers(1, 9999),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.integers(0, 999_999_999) | st.just(0),
)
zoned_moments = st.builds(
    lambda moment, offset: Moment(
        min(max(moment.year, 2), 9998),
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.nanosecond,
        offset,
    ),
    moments,
    st.integers(-12 * 60, 14 * 60),
)


def as_datetime(moment: Moment) -> datetime.datetime:
    """As the driver gives it: on the clock of its own offset, to the microsecond, without the offset."""
    time = (moment.hour, moment.minute, moment.second, moment.nanosecond // 1000)
    return datetime.datetime(moment.year, moment.month, moment.day, *time)


def _seconds(moment: Moment) -> datetime.datetime:
    return as_datetime(moment).replace(microsecond=0)


def _unchanged(value: Any) -> Any:
    return value


def _empty_is_null(value: Any) -> Any:
    return value or None


@dataclass(frozen=True)
class Case:
    """A type, its values, and what the driver makes of each."""

    type: OracleType
    values: st.SearchStrategy[Any]
    arrives: Callable[[Any], Any] = _unchanged


CASES = {
    "VARCHAR2": Case(types.varchar2(), texts | long_texts, _empty_is_null),
    "NVARCHAR2": Case(types.nvarchar2(), texts | long_texts, _empty_is_null),
    "CHAR": Case(types.char(40), texts, lambda value: value.ljust(40)),
    "NCHAR": Case(types.nchar(40), texts, lambda value: value.ljust(40)),
    "NUMBER": Case(types.number(), numbers),
    "NUMBER(38)": Case(types.number(38), scaled(38, 0)),
    "NUMBER(38,10)": Case(types.number(38, 10), scaled(38, 10)),
    "NUMBER(5,-3)": Case(types.number(5, -3), scaled(5, -3)),
    "NUMBER(3,6)": Case(types.number(3, 6), scaled(3, 6)),
    "FLOAT": Case(types.float_(), numbers),
    "BINARY_DOUBLE": Case(types.binary_double(), st.floats(allow_nan=False)),
    "BINARY_FLOAT": Case(types.binary_float(), st.floats(width=32, allow_nan=False)),
    "DATE": Case(types.date(), moments, _seconds),
    "TIMESTAMP": Case(types.timestamp(9), moments, as_datetime),
    "TIMESTAMP WITH TIME ZONE": Case(types.timestamp_tz(9), zoned_moments, as_datetime),
    "TIMESTAMP WITH LOCAL TIME ZONE": Case(types.timestamp_ltz(6), moments, as_datetime),
    "INTERVAL DAY TO SECOND": Case(
        types.interval_ds(),
        st.timedeltas(datetime.timedelta(days=-99999), datetime.timedelta(days=99999)),
    ),
    "RAW": Case(types.raw(), st.binary(max_size=2000), _empty_is_null),
    "CLOB": Case(types.clob(), texts | long_texts, _unchanged),
    "NCLOB": Case(types.nclob(), texts | long_texts, _unchanged),
    "BLOB": Case(types.blob(), st.binary(max_size=3000), _unchanged),
}
