"""Bind variables: their description in a request, and their values."""

from __future__ import annotations

import datetime
import json
import struct
from dataclasses import dataclass
from decimal import Decimal

from tests.oracle import types
from tests.oracle.collections import read_texts
from tests.oracle.errors import OracleError
from tests.oracle.numbers import decode_number
from tests.oracle.release import WITH_ACCOUNT_COLUMN
from tests.oracle.times import decode_time
from tests.oracle.ttc import Reader

ROW_DATA = 7


@dataclass(frozen=True, slots=True)
class Locator:
    """A CLOB is bound: by this the server knows what it holds. A list of texts is read as a JSON array."""

    raw: bytes


Value = str | int | Decimal | float | bytes | datetime.datetime | Locator | None

_TIMES = frozenset({types.DATE, types.TIMESTAMP, types.TIMESTAMP_TZ, types.TIMESTAMP_LTZ})
_TEXTS = frozenset({types.VARCHAR, types.CHAR, types.LONG})
_BYTES = frozenset({types.RAW, types.LONG_RAW})
_READABLE = _TIMES | _TEXTS | _BYTES | {types.NUMBER, types.BINARY_DOUBLE, types.CLOB, types.OBJECT}
_COMING_OUT = frozenset({types.BINARY_INTEGER, types.CURSOR})
_LONG_BIND = 4000
"""A bind of more bytes than a VARCHAR2 may have is sent behind all others."""


@dataclass(frozen=True, slots=True)
class Described:
    """A bind variable or a defined column, as a request describes it."""

    code: int
    buffer_size: int
    form: int


def read_descriptions(reader: Reader, count: int, fields: int) -> tuple[Described, ...]:
    """Raises OracleError where an array is bound, which the server does not know."""
    described = []
    for _ in range(count):
        code, flags = reader.u8(), reader.u8()
        reader.skip("bb")
        buffer_size, elements = reader.number(), reader.number()
        reader.number()
        reader.twice_sized()
        if elements or flags & 0x40:
            raise OracleError(3115, "unsupported network datatype or representation")
        reader.skip("nn")
        form = reader.u8()
        reader.skip("nn" if fields >= WITH_ACCOUNT_COLUMN else "n")
        described.append(Described(code, buffer_size, form))
    return tuple(described)


def read_binds(reader: Reader, count: int, fields: int, *, coming_out: bool) -> tuple[Described, ...]:
    """Descriptions of binds; raises OracleError for a type whose values the server could not read, or, where something
    is to come out, could not give."""
    described = read_descriptions(reader, count, fields)
    known = _READABLE | _COMING_OUT if coming_out else _READABLE
    if any(bind.code not in known for bind in described):
        raise OracleError(3115, "unsupported network datatype or representation")
    return described


def read_rows(
    reader: Reader, binds: tuple[Described, ...], count: int, *, is_block: bool = False
) -> list[list[Value]]:
    """The values of ``count`` executions, in the order of the binds. In those of a PL/SQL block long ones keep their place."""
    rows = []
    for _ in range(count if binds else 0):
        kind = reader.u8()
        if kind != ROW_DATA:
            raise OracleError(3106, f"message {kind} where bind values should be")
        values: list[Value] = [None] * len(binds)
        is_long = [not is_block and bind.buffer_size > _LONG_BIND for bind in binds]
        for place in sorted(range(len(binds)), key=is_long.__getitem__):
            values[place] = _read(reader, binds[place])
        rows.append(values)
    return rows


def _read(reader: Reader, bind: Described) -> Value:
    if bind.code == types.OBJECT:
        texts = read_texts(reader)
        return None if texts is None else json.dumps(texts)
    return _value(reader.twice_sized() if bind.code == types.CLOB else reader.sized(), bind)


def _value(raw: bytes | None, bind: Described) -> Value:
    if raw is None or bind.code in _COMING_OUT:
        return None
    if bind.code in _TEXTS:
        return raw.decode("utf-16-be" if bind.form == types.NATIONAL_TEXT else "utf-8")
    if bind.code == types.CLOB:
        return Locator(raw)
    if bind.code == types.NUMBER:
        exact = decode_number(raw)
        return int(exact) if exact == exact.to_integral_value() else exact
    if bind.code in _TIMES:
        return decode_time(raw)
    if bind.code in _BYTES:
        return raw
    if bind.code == types.BINARY_DOUBLE:
        straight = bytes([raw[0] & 0x7F]) + raw[1:] if raw[0] & 0x80 else bytes(~byte & 0xFF for byte in raw)
        value: float = struct.unpack(">d", straight)[0]
        return value
    raise AssertionError(f"a bind of type {bind.code} was let in")
