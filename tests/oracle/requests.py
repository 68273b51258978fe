"""A client's requests, taken apart: piggybacked notes in front, then one call.

The order of the members is the driver's; what the server has no use for is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from tests.oracle.binds import Described, Value, read_binds, read_descriptions, read_rows
from tests.oracle.collections import is_question
from tests.oracle.errors import OracleError
from tests.oracle.handshake import read_function_head
from tests.oracle.release import WITH_ACCOUNT_COLUMN, WITH_CHUNK_IDS
from tests.oracle.ttc import Reader

FUNCTION = 3
PIGGYBACK = 17
LOB_DATA = 14
LOCATOR_SIZE = 40


class Code(IntEnum):
    """The functions of TTC that the server knows, by their numbers."""

    REEXECUTE = 4
    FETCH = 5
    LOGOFF = 9
    COMMIT = 14
    ROLLBACK = 15
    REEXECUTE_AND_FETCH = 78
    EXECUTE = 94
    LOB = 96
    PING = 147
    END_PIPELINE = 200


class Operation(IntEnum):
    """What is asked of a LOB."""

    GET_LENGTH = 0x1
    READ = 0x2
    WRITE = 0x40
    CREATE_TEMPORARY = 0x110
    GET_CHUNK_SIZE = 0x4000
    OPEN = 0x8000
    CLOSE = 0x10000
    IS_OPEN = 0x11000


class Note(IntEnum):
    """The functions of TTC that may be piggybacked on a call."""

    FREE_LOBS = 96
    CLOSE_CURSORS = 105
    END_TO_END = 135
    SET_SCHEMA = 152
    APPLICATION_CONTEXT = 154
    SESSION_STATE = 176
    BEGIN_PIPELINE = 199


_PARSE, _DEFINE, _EXECUTE, _FETCH, _COMMIT, _DESCRIBE = 0x01, 0x10, 0x20, 0x40, 0x100, 0x20000
_BATCH_ERRORS = 0x80000
_SCROLLABLE, _ROW_COUNTS = 0x02, 0x4000
_RETURNING = re.compile(r"\bRETURNING\b.*\bINTO\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Execute:
    """Parse, define, execute and fetch, or any of them."""

    cursor: int
    """0: a new one."""
    sql: str | None
    rows: int
    """How many rows the client has room for."""
    fetches: bool
    executes: bool
    describes: bool
    commits: bool
    binds: tuple[Described, ...]
    values: list[list[Value]]
    """One list for each execution."""
    defines: tuple[Described, ...] | None


@dataclass(frozen=True, slots=True)
class Fetch:
    cursor: int
    rows: int


@dataclass(frozen=True, slots=True)
class LobCall:
    """An operation on a LOB: ``offset`` from 1 and ``amount`` in bytes of a BLOB, in UTF-16 units of a CLOB.

    A temporary LOB is created with its character set form as ``offset``, and its type as ``kind``.
    """

    locator: bytes
    operation: int
    offset: int
    kind: int
    amount: int | None
    data: bytes
    """What is to be written."""


@dataclass(frozen=True, slots=True)
class Simple:
    """Commit, rollback, ping or logoff."""

    code: Code


Call = Execute | Fetch | LobCall | Simple


@dataclass(frozen=True, slots=True)
class Request:
    call: Call
    closed: tuple[int, ...]
    """Cursors that the client has no more use for."""
    freed: tuple[bytes, ...]
    """Locators of temporary LOBs that it has no more use for."""


def read_request(data: bytes, fields: int, binds_of: Callable[[int], tuple[Described, ...]]) -> Request:
    """A request of a field version; ``binds_of`` tells how a cursor's binds were described.

    Raises Incomplete while more is to come, and OracleError for what the server does not know.
    """
    reader = Reader(data)
    closed: list[int] = []
    freed: list[bytes] = []
    while (kind := reader.u8()) == PIGGYBACK:
        _piggyback(reader, fields, closed, freed)
    if kind != FUNCTION:
        raise OracleError(3106, f"fatal two-task communication protocol error: message {kind}")
    code = read_function_head(reader, fields)
    call: Call
    match code:
        case Code.EXECUTE:
            call = _execute(reader, fields)
        case Code.REEXECUTE | Code.REEXECUTE_AND_FETCH:
            call = _again(reader, code, binds_of)
        case Code.FETCH:
            call = Fetch(reader.number(), reader.number())
        case Code.LOB:
            call = _lob(reader)
        case Code.COMMIT | Code.ROLLBACK | Code.PING | Code.LOGOFF:
            call = Simple(Code(code))
        case Code.END_PIPELINE:
            reader.number()
            call = Simple(Code.END_PIPELINE)
        case _:
            raise OracleError(3115, f"function {code} is not one that this server knows")
    return Request(call, tuple(closed), tuple(freed))


def _execute(reader: Reader, fields: int) -> Execute:
    options, cursor = reader.number(), reader.number()
    has_sql = reader.u8()
    reader.number()
    reader.skip("bnbbn")
    rows = reader.number()
    reader.skip("nb")
    bind_count = reader.number()
    reader.skip("bbbbbb")
    define_count = reader.number()
    reader.skip("nbbbnbnnbnb")
    if fields >= WITH_ACCOUNT_COLUMN:
        reader.skip("bnbnb")
    if fields >= WITH_CHUNK_IDS:
        reader.skip("bn")
    sql = (reader.sized() or b"").decode() if has_sql else None
    reader.number()
    executions = reader.number()
    reader.skip("nnnnn")
    is_query = bool(reader.number())
    reader.number()
    flags = reader.number()
    reader.skip("nnn")
    if options & _BATCH_ERRORS or flags & (_SCROLLABLE | _ROW_COUNTS) or _RETURNING.search(sql or ""):
        raise OracleError(3115, "unsupported: scrolling, RETURNING INTO, errors or row counts of a batch")
    defines = read_descriptions(reader, define_count, fields) if options & _DEFINE else None
    is_block = is_question(sql or "")
    binds = read_binds(reader, bind_count, fields, coming_out=is_block)
    return Execute(
        cursor,
        sql,
        rows,
        fetches=bool(options & _FETCH),
        executes=bool(options & _EXECUTE),
        describes=bool(options & (_PARSE | _DESCRIBE)),
        commits=bool(options & _COMMIT),
        binds=binds,
        values=read_rows(reader, binds, 1 if is_query else executions, is_block=is_block),
        defines=defines,
    )


def _again(reader: Reader, code: int, binds_of: Callable[[int], tuple[Described, ...]]) -> Execute:
    cursor, count = reader.number(), reader.number()
    reader.number()
    commits = bool(reader.number() & 1)
    fetches = code == Code.REEXECUTE_AND_FETCH
    binds = binds_of(cursor)
    return Execute(
        cursor,
        None,
        count,
        fetches=fetches,
        executes=True,
        describes=False,
        commits=commits,
        binds=binds,
        values=read_rows(reader, binds, 1 if fetches else count),
        defines=None,
    )


def _lob(reader: Reader) -> LobCall:
    reader.u8()
    size = reader.number()
    reader.skip("bnnnbbb")
    operation = reader.number()
    reader.skip("bb")
    offset, kind = reader.number(), reader.number()
    has_amount = reader.u8()
    reader.raw(6)
    locator = reader.raw(size)
    data = b""
    if operation == Operation.CREATE_TEMPORARY:
        reader.number()
    elif operation == Operation.WRITE:
        if (message := reader.u8()) != LOB_DATA:
            raise OracleError(3106, f"message {message} where a LOB's data should be")
        data = reader.sized() or b""
    return LobCall(locator, operation, offset, kind, reader.number() if has_amount else None, data)


def _piggyback(reader: Reader, fields: int, closed: list[int], freed: list[bytes]) -> None:
    """Notes the cursors it closes and the LOBs it frees; everything else is passed over."""
    code = read_function_head(reader, fields)
    match code:
        case Note.CLOSE_CURSORS:
            reader.u8()
            closed += [reader.number() for _ in range(reader.number())]
        case Note.FREE_LOBS:
            reader.u8()
            size = reader.number()
            reader.skip("bnnnbbbnbnnnbbnbnbn")
            freed += [reader.raw(LOCATOR_SIZE) for _ in range(size // LOCATOR_SIZE)]
        case Note.SESSION_STATE:
            reader.number()
        case Note.BEGIN_PIPELINE:
            reader.skip("nbb")
        case Note.SET_SCHEMA:
            reader.u8()
            reader.twice_sized()
        case Note.END_TO_END:
            _end_to_end(reader)
        case Note.APPLICATION_CONTEXT:
            _application_context(reader)
        case _:
            raise OracleError(3115, f"piggyback {code} is not one that this server knows")


def _end_to_end(reader: Reader) -> None:
    reader.skip("bbn")
    lengths = []
    for _ in range(3):
        reader.u8()
        lengths.append(reader.number())
    reader.skip("bnbn")
    reader.u8()
    lengths.append(reader.number())
    reader.skip("bnbn")
    reader.u8()
    lengths.append(reader.number())
    for length in lengths:
        if length:
            reader.sized()


def _application_context(reader: Reader) -> None:
    reader.u8()
    reader.number()
    reader.u8()
    entries = reader.number()
    reader.skip("nb")
    reader.sized()
    for _ in range(entries):
        reader.twice_sized()
        reader.twice_sized()
        reader.number()
