"""How each Oracle type is read so that Arrow holds it exactly. Pure: a described column in, a :class:`Reading` out.

python-oracledb's data frames are exact for most types. Where they are not, the column is wrapped in SQL, and what arrives
is brought into its final form in :mod:`producers.sources.oracle_arrow`:

- NUMBER without precision, FLOAT, and NUMBER whose scale is negative or above its precision arrive as doubles: read as text
  (``TM9`` gives all digits with a point), which :mod:`producers.encode` writes as a number;
- TIMESTAMP with a zone arrives without it, and a named zone not at all: read in UTC, which names the same moment;
- a fraction of more than six digits passes through a Python datetime, which has six: read as text;
- a LOB arrives whole, of whatever size: one above the limit is left in the database, and only its length comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

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
    LOB = "CASE WHEN DBMS_LOB.GETLENGTH({}) <= {limit} THEN {} END"


_LOB_LENGTH = "CAST(DBMS_LOB.GETLENGTH({}) AS NUMBER(18))"


@dataclass(frozen=True, slots=True)
class Reading:
    """A column, and how it is read."""

    column: Column
    wrap: Wrap

    @property
    def is_lob(self) -> bool:
        return self.wrap is Wrap.LOB

    @property
    def is_unbounded(self) -> bool:
        """Whether a value may have megabytes, so that few rows are to be fetched at a time."""
        return self.is_lob or self.column.database_type.startswith("LONG")

    def expression(self, lob_bytes: int) -> str:
        """The select item, over the domain's query as ``q``."""
        name = f'"{self.column.name}"'
        return f"{self.wrap.value.replace('{}', 'q.' + name).replace('{limit}', str(lob_bytes))} AS {name}"


_NAMES = {
    "VARCHAR": "VARCHAR2",
    "NVARCHAR": "NVARCHAR2",
    "TIMESTAMP_TZ": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_LTZ": "TIMESTAMP WITH LOCAL TIME ZONE",
    "LONG_RAW": "LONG RAW",
    "LONG_NVARCHAR": "LONG",
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
    if name.startswith("TIMESTAMP"):
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
    return Reading(column(described.name, Database.ORACLE, text), Wrap.LOB if name in _LOBS else Wrap.NONE)


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


def wrapped(statement: str, readings: Sequence[Reading], lob_bytes: int) -> str:
    """The domain's query with the columns that need it wrapped, or as it is.

    Behind the columns stand the lengths of its LOBs, in their order (characters of a CLOB, bytes of a BLOB).
    """
    if all(known.wrap is Wrap.NONE for known in readings):
        return statement
    items = [known.expression(lob_bytes) for known in readings]
    lobs = [f'q."{known.column.name}"' for known in readings if known.is_lob]
    items += [f'{_LOB_LENGTH.format(name)} AS "#{number}"' for number, name in enumerate(lobs, 1)]
    # The line end closes a comment that the query may end with. All parts are the catalogue's; values are bound.
    return f"SELECT {', '.join(items)} FROM (\n{statement}\n) q"  # noqa: S608
