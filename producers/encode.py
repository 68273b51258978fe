"""Arrow batches become JSON records: exact, every column in every record, in column order (``schemas/values.py`` is the table).

arrow-json (Rust, behind arro3) writes the text; what it would write wrongly is refused before:

- digits of a decimal beyond its declared precision, which it drops;
- dates outside the years 1 to 9999, for which it writes an error text;
- types without a rule in the table, for which it has forms of its own (structs, lists, intervals);
- text that is not UTF-8, which it copies.

Two things are brought into its form: a zone other than UTC, and dictionaries. Numbers whose type has no scale (Oracle's
NUMBER) come as text columns marked by :func:`number_text`; they are written as texts with a mark that no data can hold,
and lose mark and quotes afterwards. arro3 holds the GIL, hence the slices: 500 wide rows take 2 ms.
"""

from __future__ import annotations

import datetime
import re
import secrets
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import arro3.io
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from producers.sources.protocol import SourceFailed

SLICE_ROWS = 500
SEPARATOR = ord(",")

_NUMBER_TEXT = {b"tracestream.json": b"number"}
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_MARK = "\x01" + secrets.token_hex(8)
"""In front of number texts; drawn anew by each process, so that no text of the data can be taken for one."""
_MARKED = re.compile(rb'"\\u0001' + _MARK[1:].encode() + rb'([^"]*)"')

_FIRST_DAY = datetime.date(1, 1, 1).toordinal() - datetime.date(1970, 1, 1).toordinal()
_LAST_DAY = datetime.date(9999, 12, 31).toordinal() - datetime.date(1970, 1, 1).toordinal()
_TICKS_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}

_PLAIN = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_float32,
    pa.types.is_float64,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_date32,
    pa.types.is_time,
    pa.types.is_timestamp,
)


class EncodeError(SourceFailed):
    """A value or a type that can't be written exactly; the message names the column and its type."""


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """The records of a batch. ``data`` holds them one after the other, each followed by a comma; ``ends[i]`` is where
    record i ends in it, its comma included (int64)."""

    data: memoryview
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.data)

    def record(self, index: int) -> bytes:
        """One record, without its comma."""
        start = int(self.ends[index - 1]) if index else 0
        return bytes(self.data[start : int(self.ends[index]) - 1])


def number_text(name: str) -> pa.Field:
    """The field of a column of JSON numbers kept as text, for numbers that no Arrow type holds."""
    return pa.field(name, pa.string(), metadata=_NUMBER_TEXT)


def drop_null_containers(batch: pa.RecordBatch, column: str) -> tuple[pa.RecordBatch, int]:
    """The rows whose container ID is not NULL, and how many there were that had none."""
    ids = batch.column(column)
    if not ids.null_count:
        return batch, 0
    return batch.filter(pc.is_valid(ids)), ids.null_count


def encode_records(batch: pa.RecordBatch) -> EncodedRows:
    """The rows of a batch as JSON objects. Raises EncodeError naming the column when one can't be written exactly."""
    columns = [_prepared(field, column) for field, column in zip(batch.schema, batch.columns, strict=True)]
    prepared = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    text = BytesIO()
    for start in range(0, batch.num_rows, SLICE_ROWS):
        arro3.io.write_ndjson(prepared.slice(start, SLICE_ROWS), text, explicit_nulls=True)
    if any(_is_number_text(field) for field in batch.schema):
        text = BytesIO(_MARKED.sub(rb"\1", text.getvalue()))
    data = text.getbuffer()
    characters = np.frombuffer(data, np.uint8)
    # Within JSON a line end is escaped, so each one that stands in the text ends a record.
    ends = np.flatnonzero(characters == ord("\n"))
    characters[ends] = SEPARATOR
    return EncodedRows(data, ends + 1)


def _is_number_text(field: pa.Field) -> bool:
    return bool(field.metadata) and _NUMBER_TEXT.items() <= field.metadata.items()


def _prepared(field: pa.Field, column: pa.Array) -> pa.Array:
    """The column as arrow-json writes it exactly, checked."""
    try:
        column.validate(full=True)
        column = _in_known_form(column)
    except pa.ArrowInvalid as error:
        raise _refusal(field, str(error).partition("\n")[0]) from error
    kind = column.type
    if pa.types.is_decimal128(kind) or pa.types.is_decimal256(kind):
        if kind.scale < 0:
            raise _refusal(field, "a negative scale")
        return column
    if not any(known(kind) for known in _PLAIN):
        raise _refusal(field, "there is no rule for this type; cast it in the query")
    if pa.types.is_date32(kind):
        _check_range(field, column.view(pa.int32()), _FIRST_DAY, _LAST_DAY + 1)
    elif pa.types.is_timestamp(kind):
        ticks = _TICKS_A_DAY[kind.unit]
        _check_range(field, column.view(pa.int64()), _FIRST_DAY * ticks, (_LAST_DAY + 1) * ticks)
    elif pa.types.is_time(kind):
        whole = pa.int32() if pa.types.is_time32(kind) else pa.int64()
        _check_range(field, column.view(whole), 0, _TICKS_A_DAY[kind.unit])
    if _is_number_text(field):
        if pc.any(pc.invert(pc.match_substring_regex(column, _NUMBER))).as_py():
            raise _refusal(field, "a text that is no JSON number")
        column = pc.binary_join_element_wise(_MARK, column, "")
    return column


def _in_known_form(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.dictionary_decode()
    if pa.types.is_timestamp(kind) and kind.tz not in (None, "UTC"):
        return column.cast(pa.timestamp(kind.unit, "UTC"))
    return column


def _check_range(field: pa.Field, ticks: pa.Array, lowest: int, beyond: int) -> None:
    found: dict[str, Any] = pc.min_max(ticks).as_py()
    if found["min"] is not None and not lowest <= found["min"] <= found["max"] < beyond:
        raise _refusal(field, "a value outside the years 1 to 9999 or the hours of a day")


def _refusal(field: pa.Field, reason: str) -> EncodeError:
    return EncodeError(f"Column {field.name} ({field.type}) can't be written exactly: {reason}.")
