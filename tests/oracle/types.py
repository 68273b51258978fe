"""Oracle's types: how a column is described, and how a value looks on the wire."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.oracle import times
from tests.oracle.numbers import encode_number

VARCHAR, NUMBER, LONG, DATE, RAW, LONG_RAW = 1, 2, 8, 12, 23, 24
CHAR, BINARY_FLOAT, BINARY_DOUBLE, CLOB, BLOB = 96, 100, 101, 112, 113
BINARY_INTEGER, CURSOR, OBJECT = 3, 102, 109
TIMESTAMP, TIMESTAMP_TZ, INTERVAL_YM, INTERVAL_DS, TIMESTAMP_LTZ = 180, 181, 182, 183, 231

DATABASE_TEXT = 1
"""Character set form of VARCHAR2, CHAR and CLOB: UTF-8 here."""
NATIONAL_TEXT = 2
"""Character set form of NVARCHAR2, NCHAR and NCLOB: UTF-16, big endian."""
_UNSCALED = -127
_LOCATOR_SIZE = 4000


@dataclass(frozen=True, slots=True)
class OracleType:
    """A column's type. ``encode`` gives a value's bytes without a length; of a LOB, the bytes that are read from it."""

    code: int
    encode: Callable[[Any], bytes]
    buffer_size: int
    """Bytes a value takes at most."""
    precision: int = 0
    scale: int = 0
    form: int = 0
    size: int = 0
    """Characters a text has at most."""

    @property
    def is_lob(self) -> bool:
        return self.code in (CLOB, BLOB)


def _utf8(value: str) -> bytes:
    return value.encode()


def _utf16(value: str) -> bytes:
    return value.encode("utf-16-be")


def _padded(size: int, encode: Callable[[str], bytes], value: str) -> bytes:
    return encode(value.ljust(size))


def varchar2(size: int = 4000) -> OracleType:
    """``size`` in characters, of at most four bytes. Of size 0 is what is always NULL."""
    return OracleType(VARCHAR, _utf8, size * 4, form=DATABASE_TEXT, size=size)


def nvarchar2(size: int = 2000) -> OracleType:
    return OracleType(VARCHAR, _utf16, size * 2, form=NATIONAL_TEXT, size=size)


def char(size: int = 1) -> OracleType:
    return OracleType(CHAR, partial(_padded, size, _utf8), size * 4, form=DATABASE_TEXT, size=size)


def nchar(size: int = 1) -> OracleType:
    return OracleType(CHAR, partial(_padded, size, _utf16), size * 2, form=NATIONAL_TEXT, size=size)


def number(precision: int = 0, scale: int | None = None) -> OracleType:
    """NUMBER, NUMBER(p) or NUMBER(p,s). Without a precision it is described with the scale -127."""
    return OracleType(NUMBER, encode_number, 22, precision, _UNSCALED if not precision else scale or 0)


def float_(binary_precision: int = 126) -> OracleType:
    """FLOAT(b): a NUMBER with a binary precision."""
    return OracleType(NUMBER, encode_number, 22, binary_precision, _UNSCALED)


def _binary(layout: str, value: float) -> bytes:
    """IEEE 754, turned so that byte order is order: negative numbers with all bits inverted, others with the first bit set."""
    raw = struct.pack(layout, value)
    if raw[0] & 0x80:
        return bytes(~byte & 0xFF for byte in raw)
    return bytes([raw[0] | 0x80]) + raw[1:]


def binary_double() -> OracleType:
    return OracleType(BINARY_DOUBLE, partial(_binary, ">d"), 8)


def binary_float() -> OracleType:
    return OracleType(BINARY_FLOAT, partial(_binary, ">f"), 4)


def date() -> OracleType:
    return OracleType(DATE, times.encode_date, 7)


def timestamp(digits: int = 6) -> OracleType:
    return OracleType(TIMESTAMP, times.encode_timestamp, 11, scale=digits)


def timestamp_tz(digits: int = 6) -> OracleType:
    return OracleType(TIMESTAMP_TZ, times.encode_zoned, 13, scale=digits)


def timestamp_ltz(digits: int = 6) -> OracleType:
    return OracleType(TIMESTAMP_LTZ, times.encode_local, 11, scale=digits)


def interval_ds() -> OracleType:
    return OracleType(INTERVAL_DS, times.encode_day_interval, 11, precision=2, scale=6)


def interval_ym() -> OracleType:
    return OracleType(INTERVAL_YM, times.encode_month_interval, 5, precision=2)


def raw(size: int = 2000) -> OracleType:
    return OracleType(RAW, bytes, size)


def clob() -> OracleType:
    return OracleType(CLOB, _utf8, _LOCATOR_SIZE, form=DATABASE_TEXT)


def nclob() -> OracleType:
    return OracleType(CLOB, _utf8, _LOCATOR_SIZE, form=NATIONAL_TEXT)


def blob() -> OracleType:
    return OracleType(BLOB, bytes, _LOCATOR_SIZE)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result. ``nullable`` is only described; nobody checks the values."""

    name: str
    type: OracleType
    nullable: bool = True
