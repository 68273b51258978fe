"""The one object type that can be bound, a list of texts: what the driver asks before it makes one, and its value taken apart.

The driver's thin mode knows a type only from the database: a PL/SQL block over DBMS_PICKLER, with a descriptor of the type (TDS)
and a cursor over its attributes among what comes out. Both are made here as the driver reads them; a real one may have more.
"""

from __future__ import annotations

import re

from tests.oracle import types
from tests.oracle.describe import describe
from tests.oracle.numbers import encode_number
from tests.oracle.ttc import Reader, Writer, sized
from tests.oracle.types import Column

NAME = "SYS.ODCIVARCHAR2LIST"
"""Oracle's own VARRAY of 32,767 VARCHAR2(4000), which every account may use."""
_QUESTION = re.compile(r"\bdbms_pickler\.get_type_shape\b", re.IGNORECASE)
IO_VECTOR = 11
ROW_DATA = 7
_IN, _OUT = 32, 16
_DIRECTIONS = (_OUT, _IN, _OUT, _OUT, _OUT, _OUT, _OUT, _OUT, _OUT)
"""Of ret_val, full_name, oid, version, tds, attrs_rc, package_name, schema, name: as the block has them."""
_OID = bytes(range(16))
_UTF8_CHARACTERS = 873
_COLLECTION, _VARRAY, _VARCHAR = 28, 3, 7
_MOST_ELEMENTS = 32_767
_LONG, _NULL = 254, 255

ATTRIBUTES = (Column("ATTR_NAME", types.varchar2(128)),)
"""What is told of each attribute; a collection has none."""


def is_question(sql: str) -> bool:
    """Whether the driver asks for a type."""
    return _QUESTION.search(sql) is not None


def answer(full_name: object, cursor: int, fields: int) -> bytes:
    """What comes out of the block; ``cursor`` has the attributes. For another type it says that there is none."""
    found = str(full_name).upper() == NAME
    message = Writer().u8(IO_VECTOR, 0).number(len(_DIRECTIONS), 0, 0, 0, 0, 0).u8(*_DIRECTIONS).u8(ROW_DATA)
    columns = describe(ATTRIBUTES, fields)[2:]  # without what makes it a message of its own
    for value in (
        sized(encode_number(0 if found else 1)),
        sized(_OID),
        sized(encode_number(1)),
        sized(_descriptor()),
        Writer().u8(1).raw(columns).number(cursor).take(),
        sized(None),
        sized(b"SYS"),
        sized(NAME.partition(".")[2].encode()),
    ):
        message.raw(value).number(0)
    return message.take()


def _descriptor() -> bytes:
    head = Writer().fixed(0, 8).fixed(1, 2).u8(0, 0).fixed(0, 6).u8(_COLLECTION)
    element = len(head.take()) + 9
    head.fixed(element, 4).fixed(_MOST_ELEMENTS, 4).u8(_VARRAY)
    return head.u8(_VARCHAR).fixed(4000, 2).u8(types.DATABASE_TEXT).fixed(_UTF8_CHARACTERS, 2).take()


def read_texts(reader: Reader) -> list[str | None] | None:
    """A bound value; None is NULL."""
    reader.twice_sized()
    reader.twice_sized()
    reader.skip("nnnn")
    image = reader.sized()
    if image is None:
        return None
    packed = Reader(image)
    packed.raw(2)
    _length(packed)
    packed.raw(_length(packed) or 0)
    packed.u8()
    texts: list[str | None] = []
    for _ in range(_length(packed) or 0):
        size = _length(packed)
        texts.append(packed.raw(size).decode() if size else None)
    return texts


def _length(packed: Reader) -> int | None:
    first = packed.u8()
    if first == _NULL:
        return None
    return packed.fixed(4) if first == _LONG else first
