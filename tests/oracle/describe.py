"""The describe message: what the columns of a query are."""

from __future__ import annotations

from collections.abc import Sequence

from tests.oracle.handshake import UTF8, UTF16
from tests.oracle.release import (
    WITH_ACCOUNT_COLUMN,
    WITH_ANNOTATIONS,
    WITH_DOMAINS,
    WITH_VECTORS,
)
from tests.oracle.ttc import Writer
from tests.oracle.types import DATABASE_TEXT, NATIONAL_TEXT, Column

DESCRIBE = 16
_CHARACTER_SETS = {DATABASE_TEXT: UTF8, NATIONAL_TEXT: UTF16}


def describe(columns: Sequence[Column], fields: int) -> bytes:
    """The message, of a field version."""
    message = Writer().u8(DESCRIBE).sized(None)
    message.number(sum(column.type.buffer_size for column in columns), len(columns))
    if columns:
        message.u8(0)
    for position, column in enumerate(columns, start=1):
        _column(message, column, position, fields)
    message.twice_sized(None).number(0, 0, 0, 0).twice_sized(None)
    return message.take()


def _column(message: Writer, column: Column, position: int, fields: int) -> None:
    kind = column.type
    message.u8(kind.code, 0, kind.precision & 0xFF, kind.scale & 0xFF)
    message.number(kind.buffer_size, 0, 0).twice_sized(None).number(0)
    message.number(_CHARACTER_SETS.get(kind.form, 0)).u8(kind.form).number(kind.size)
    if fields >= WITH_ACCOUNT_COLUMN:
        message.number(0)
    name = column.name
    message.u8(int(column.nullable), min(len(name), 30)).text(name).text(None).text(None)
    message.number(position, 0)
    if fields >= WITH_DOMAINS:
        message.text(None).text(None)
    if fields >= WITH_ANNOTATIONS:
        message.number(0)
    if fields >= WITH_VECTORS:
        message.number(0).u8(0, 0)
