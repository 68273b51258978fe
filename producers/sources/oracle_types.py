"""How each Oracle type is read so that Arrow holds it exactly. Pure: a described column in, a :class:`Reading` out.

python-oracledb's data frames are exact for most types. Where they are not, the column is wrapped in SQL, and what arrives
is brought into its final form here:

- NUMBER without precision, FLOAT, and NUMBER whose scale is negative or above its precision arrive as doubles: read as text
  (``TM9`` gives all digits with a point), which :mod:`producers.encode` writes as a number;
- TIMESTAMP with a zone arrives without it: read in UTC, which names the same moment;
- a fraction of more than six digits passes through a Python datetime, which has six: read as text.

One decimal is never let through as a double: :func:`finished` checks what arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from producers.encode import number_text
from producers.sources.protocol import SourceFailed
from schemas.values import Column, Database, column


class Described(Protocol):
    """What the driver says of a column (``oracledb.FetchInfo``)."""

    @property
    def name(self) -> str: ...
    @property
    def type_name(self) -> str:
        """The driver's name without ``DB_TYPE_``."""

    @property
    def precision(self) -> int | None: ...
    @property
    def scale(self) -> int | None: ...
    @property
    def size(self) -> int | None: ...


class Wrap(Enum):
    """The SQL a column is wrapped in; ``{}`` is the column."""

    NONE = "{}"
    NUMBER = "TO_CHAR({}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')"
    UTC = "SYS_EXTRACT_UTC({})"
    FINE = "TO_CHAR({}, 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9')"
    FINE_UTC = "TO_CHAR(SYS_EXTRACT_UTC({}), 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9')"


@dataclass(frozen=True, slots=True)
class Reading:
    """A column, and how it is read."""

    column: Column
    wrap: Wrap
    is_lob: bool = False

    @property
    def expression(self) -> str:
        """The select item, over the domain's query as ``q``."""
        name = f'"{self.column.name}"'
        return f"{self.wrap.value.format('q.' + name)} AS {name}"


_NAMES = {
    "VARCHAR": "VARCHAR2",
    "NVARCHAR": "NVARCHAR2",
    "TIMESTAMP_TZ": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_LTZ": "TIMESTAMP WITH LOCAL TIME ZONE",
    "LONG_RAW": "LONG RAW",
}
_LOBS = ("CLOB", "NCLOB", "BLOB")
_SIZED = ("VARCHAR2", "NVARCHAR2", "CHAR", "NCHAR", "RAW")
_LEAST_FINE = 7
"""Digits of a second's fraction from which a timestamp is read as text."""
_UNSCALED = -127
"""What Oracle describes as the scale of NUMBER and FLOAT."""


def reading(described: Described) -> Reading:
    """How that column is read. Raises UnsupportedType when its type has no rule."""
    name = _NAMES.get(described.type_name, described.type_name)
    if name == "NUMBER":
        return _number(described)
    if name in ("TIMESTAMP", *_NAMES.values()) and name.startswith("TIMESTAMP"):
        digits = described.scale or 0  # the driver says None for 0
        known = column(described.name, Database.ORACLE, name.replace("TIMESTAMP", f"TIMESTAMP({digits})", 1))
        zoned, fine = name != "TIMESTAMP", digits >= _LEAST_FINE
        wraps = {
            (False, False): Wrap.NONE,
            (False, True): Wrap.FINE,
            (True, False): Wrap.UTC,
            (True, True): Wrap.FINE_UTC,
        }
        return Reading(known, wraps[zoned, fine])
    text = f"{name}({described.size})" if name in _SIZED and described.size else name
    return Reading(column(described.name, Database.ORACLE, text), Wrap.NONE, name in _LOBS)


def _number(described: Described) -> Reading:
    precision, scale = described.precision or 0, described.scale or 0
    if scale == _UNSCALED:
        text = f"FLOAT({precision})" if precision else "NUMBER"
    elif not precision:
        text = "NUMBER"
    else:
        text = f"NUMBER({precision},{scale})" if scale else f"NUMBER({precision})"
    exact = 0 < precision <= 38 and 0 <= scale <= precision
    return Reading(column(described.name, Database.ORACLE, text), Wrap.NONE if exact else Wrap.NUMBER)


def wrapped(statement: str, readings: Sequence[Reading]) -> str:
    """The domain's query with the columns that need it wrapped, or as it is."""
    if all(known.wrap is Wrap.NONE for known in readings):
        return statement
    items = ", ".join(known.expression for known in readings)
    # The line end closes a comment that the query may end with. All parts are the catalogue's; values are bound.
    return f"SELECT {items} FROM (\n{statement}\n) q"  # noqa: S608


def finished(batch: pa.RecordBatch, readings: Sequence[Reading], lob_bytes: int) -> pa.RecordBatch:
    """The batch as the encoder takes it. Raises SourceFailed where a column did not arrive as it should, or a LOB is too large."""
    pairs = [_finished(known, array, lob_bytes) for known, array in zip(readings, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays(
        [array for _, array in pairs], schema=pa.schema([field for field, _ in pairs])
    )


def _finished(known: Reading, array: pa.Array, lob_bytes: int) -> tuple[pa.Field, pa.Array]:
    name, kind = known.column.name, known.column.database_type
    if kind.startswith("NUMBER") and pa.types.is_floating(array.type):
        raise SourceFailed(f"Column {name} ({kind}) arrived as a double, which does not hold all its digits.")
    if known.is_lob and (pc.max(pc.binary_length(array)).as_py() or 0) > lob_bytes:
        raise SourceFailed(
            f"A value of column {name} ({kind}) is larger than {lob_bytes} bytes.",
            hint="Raise TRACE_LOB_BYTES.",
        )
    if known.wrap is Wrap.NUMBER:
        return number_text(name), pc.replace_substring_regex(array, r"^(-?)\.", r"\10.")
    if known.wrap is Wrap.UTC:
        array = pc.assume_timezone(array, "UTC")
    elif known.wrap in (Wrap.FINE, Wrap.FINE_UTC):
        array = _trimmed(array)
        if known.wrap is Wrap.FINE_UTC:
            array = pc.binary_join_element_wise(array, "Z", "")
    return pa.field(name, array.type), array


def _trimmed(texts: pa.Array) -> pa.Array:
    """Nine digits of a fraction as 0, 3, 6 or 9, as many as the value needs."""
    for ending, kept in ((r"\.000000000$", ""), (r"000000$", ""), (r"(\.\d{6})000$", r"\1")):
        texts = pc.replace_substring_regex(texts, ending, kept)
    return texts
