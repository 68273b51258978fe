"""What the driver's data frame holds becomes the batch that the encoder takes. Pure.

Nothing is let through that has lost a digit: a number that arrives as a double and a LOB above the limit fail the job.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from producers.encode import number_text
from producers.sources.oracle_types import Reading, Wrap
from producers.sources.protocol import SourceFailed
from schemas.values import Column

_UNSCALED_TEXT = ("NUMBER", "FLOAT")


def finished(batch: pa.RecordBatch, readings: Sequence[Reading], lob_bytes: int) -> pa.RecordBatch:
    """The batch of the domain's columns, the lengths of LOBs taken off.

    Raises SourceFailed where a column did not arrive as it should, or a LOB is larger than ``lob_bytes``.
    """
    lengths = iter(batch.columns[len(readings) :])
    fields, arrays = [], []
    for known, arrived in zip(readings, batch.columns[: len(readings)], strict=True):
        whole = _lob(known.column, arrived, next(lengths), lob_bytes) if known.is_lob else arrived
        field, array = _finished(known, whole)
        fields.append(field)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _finished(known: Reading, array: pa.Array) -> tuple[pa.Field, pa.Array]:
    name, kind = known.column.name, known.column.database_type
    if kind.startswith(_UNSCALED_TEXT) and pa.types.is_floating(array.type):
        raise SourceFailed(f"Column {name} ({kind}) arrived as a double, which does not hold all its digits.")
    if known.wrap is Wrap.NUMBER:
        # Oracle writes .5 and -.5, which are no JSON.
        texts = pc.replace_substring_regex(array.cast(pa.string()), r"^(-?)\.", r"\10.")
        return number_text(name), texts
    if known.wrap is Wrap.UTC:
        array = pc.assume_timezone(array, "UTC")
    elif known.wrap in (Wrap.FINE, Wrap.FINE_UTC):
        array = _trimmed(array.cast(pa.string()))
        if known.wrap is Wrap.FINE_UTC:
            array = pc.binary_join_element_wise(array, "Z", "")
    return pa.field(name, array.type), array


def _lob(column: Column, array: pa.Array, lengths: pa.Array, lob_bytes: int) -> pa.Array:
    longest = max(pc.max(lengths).as_py() or 0, pc.max(pc.binary_length(array)).as_py() or 0)
    if longest > lob_bytes:
        raise SourceFailed(
            f"A value of column {column.name} ({column.database_type}) is larger than {lob_bytes} bytes.",
            hint="Raise TRACE_LOB_BYTES.",
        )
    # The driver gives None for an empty LOB, as for NULL; the length tells them apart.
    empty = pc.fill_null(pc.equal(lengths, pa.scalar(0, lengths.type)), False)
    return pc.if_else(
        empty, pa.scalar(b"" if pa.types.is_large_binary(array.type) else "", array.type), array
    )


def _trimmed(texts: pa.Array) -> pa.Array:
    """Nine digits of a fraction as 0, 3, 6 or 9, as many as the value needs."""
    for ending, kept in ((r"\.000000000$", ""), (r"000000$", ""), (r"(\.\d{6})000$", r"\1")):
        texts = pc.replace_substring_regex(texts, ending, kept)
    return texts
