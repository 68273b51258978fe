"""Rows as they go over the wire, encoded once and played back as often as they are asked for.

A row is a row data message. Where a value is the same as in the row before, a bit vector in front of it says so and the value is
left out, as Oracle does; LOBs are always sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.oracle import types
from tests.oracle.binds import Described
from tests.oracle.lobs import Lobs
from tests.oracle.ttc import Writer, sized, universal
from tests.oracle.types import Column

ROW_HEADER = 6
ROW_DATA = 7
BIT_VECTOR = 21
_NULL_INDICATOR = universal(-1) + universal(1405)
_VALUE_INDICATOR = universal(0) + universal(0)

Defines = tuple[int, ...] | None
"""The types in which a client wants the LOBs, by column; None before it has said so."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a query found."""

    columns: tuple[Column, ...]
    values: Sequence[Sequence[Any]]
    """Rows of values as :mod:`tests.oracle.types` takes them; None is NULL, and so is an empty text."""

    @property
    def has_lobs(self) -> bool:
        return any(column.type.is_lob for column in self.columns)


def row_header(columns: int, rows: int) -> bytes:
    """The message in front of the rows of one response."""
    return Writer().u8(ROW_HEADER, 0).number(columns, 0, rows, 0, 0).twice_sized(None).take()


def define_types(columns: Sequence[Column], defines: tuple[Described, ...] | None) -> Defines:
    if defines is None:
        return None
    return tuple(
        defined.code if column.type.is_lob else column.type.code
        for column, defined in zip(columns, defines, strict=True)
    )


def encode_rows(result: Result, defines: Defines, lobs: Lobs, *, repeats: bool) -> list[bytes]:
    """One message (or two, with its bit vector) a row. ``repeats``: leave out what is the same as in the row before."""
    if not result.values:
        return []
    codes = defines or tuple(column.type.code for column in result.columns)
    encoded = [
        _column(column, code, values, lobs)
        for column, code, values in zip(result.columns, codes, zip(*result.values, strict=True), strict=True)
    ]
    rows = list(zip(*encoded, strict=True))
    head = bytes([ROW_DATA])
    if not repeats:
        return [head + b"".join(row) for row in rows]
    sent_always = [column.type.is_lob for column in result.columns]
    first = head + b"".join(rows[0])
    return [first, *(_after(before, row, sent_always) for before, row in pairwise(rows))]


def _column(column: Column, code: int, values: Sequence[Any], lobs: Lobs) -> list[bytes]:
    if column.type.is_lob:
        return [_lob(value, code, column.type.form, lobs) for value in values]
    if not column.type.buffer_size:
        return [b""] * len(values)  # NULL by its description: nothing is sent
    known: dict[Any, bytes] = {None: b"\0"}
    encode = column.type.encode
    # Values that are equal look the same as texts and as NUMBERs, but not as doubles (0.0 == -0.0) and zoned times.
    if column.type.form or column.type.code == types.NUMBER:
        return [known.get(value) or known.setdefault(value, sized(encode(value))) for value in values]
    return [b"\0" if value is None else sized(encode(value)) for value in values]


def _lob(value: str | bytes | None, code: int, form: int, lobs: Lobs) -> bytes:
    if code not in (types.LONG, types.LONG_RAW):
        return b"\0" if value is None else lobs.in_row(value)
    if not value:
        return b"\0" + _NULL_INDICATOR
    if isinstance(value, str):
        value = value.encode("utf-16-be" if form == types.NATIONAL_TEXT else "utf-8")
    return sized(value) + _VALUE_INDICATOR


def _after(before: Sequence[bytes], row: Sequence[bytes], sent_always: Sequence[bool]) -> bytes:
    changed = [
        always or value != former for former, value, always in zip(before, row, sent_always, strict=True)
    ]
    if all(changed):
        return bytes([ROW_DATA]) + b"".join(row)
    bits = bytearray((len(row) + 7) // 8)
    for place, is_sent in enumerate(changed):
        if is_sent:
            bits[place // 8] |= 1 << place % 8
    vector = Writer().u8(BIT_VECTOR).number(sum(changed)).raw(bytes(bits)).u8(ROW_DATA).take()
    return vector + b"".join(value for value, is_sent in zip(row, changed, strict=True) if is_sent)


class Recording:
    """A result and its rows, encoded when they are first asked for; what they were encoded from is then dropped."""

    def __init__(self, result: Result) -> None:
        self.columns = result.columns
        self.has_lobs = result.has_lobs
        self.bytes = 0
        """Of what is encoded so far."""
        self._result: Result | None = result
        self._rows: dict[Defines, list[bytes]] = {}

    def rows(self, defines: Defines, lobs: Lobs, *, repeats: bool) -> list[bytes]:
        wanted = defines if self.has_lobs else None
        if wanted not in self._rows:
            assert self._result is not None
            rows = self._rows[wanted] = encode_rows(self._result, wanted, lobs, repeats=repeats)
            self.bytes += sum(map(len, rows))
            if not self.has_lobs:
                self._result = None
        return self._rows[wanted]


class Playback:
    """Recordings by what was asked; the longest unused go first when there are too many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._known: dict[object, Recording] = {}

    def find(self, key: object) -> Recording | None:
        found = self._known.pop(key, None)
        if found is not None:
            self._known[key] = found
        return found

    def keep(self, key: object, recording: Recording) -> None:
        held = sum(known.bytes for known in self._known.values())
        while held > self._most:
            held -= self._known.pop(next(iter(self._known))).bytes
        self._known[key] = recording
