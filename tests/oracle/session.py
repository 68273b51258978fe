"""One session: the calls of a client that has logged on, answered one after the other."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from tests.oracle.binds import Locator, Value
from tests.oracle.channel import Broken, Channel, Gone
from tests.oracle.collections import ATTRIBUTES, is_question
from tests.oracle.collections import answer as type_answer
from tests.oracle.cursors import Cursor, Cursors
from tests.oracle.describe import describe
from tests.oracle.errors import FATAL, NO_DATA_FOUND, End, OracleError, end_of_call, status
from tests.oracle.faults import Fault, What
from tests.oracle.requests import Call, Code, Execute, Fetch, LobCall, Request, Simple, read_request
from tests.oracle.rows import Recording, Result, define_types, row_header

if TYPE_CHECKING:
    from tests.oracle.database import Database

END_OF_RESPONSE = 29
_LOG = logging.getLogger(__name__)


class Session:
    def __init__(self, database: Database, channel: Channel, number: int) -> None:
        self.number = number
        self.calls = 0
        """Round trips since the session began."""
        self._database = database
        self._channel = channel
        self._release = database.release
        self._data = database.data.session()
        self._cursors = Cursors()
        self._killed: OracleError | None = None

    @property
    def attentions(self) -> int:
        """Bytes that came out of band."""
        return self._channel.attentions

    @property
    def bytes_sent(self) -> int:
        return self._channel.bytes_sent

    @property
    def open_cursors(self) -> int:
        return len(self._cursors)

    def kill(self, code: int = 28) -> None:
        """As ALTER SYSTEM KILL SESSION does: the next call ends with that error, and then the connection."""
        self._killed = OracleError(code)

    async def run(self) -> None:
        """Answer until the client leaves or is thrown out."""
        try:
            while True:
                try:
                    await self._next()
                except Broken:
                    self._database.counts["break"] += 1
                    await self._fail(OracleError(1013), announced=True)
        except (Gone, OSError):
            pass
        finally:
            self._database.lobs.end(self.number)
            self._data.close()

    async def _next(self) -> None:
        read = partial(read_request, fields=self._release.fields, binds_of=self._cursors.binds_of)
        try:
            request: Request = await self._channel.request(read)
        except OracleError as error:
            # What is left of the request is void: the client is told so before the error.
            await self._fail(error, announced=True)
            return
        try:
            self._cursors.close(request.closed)
            self._database.lobs.free(request.freed)
            self.calls += 1
            await self._channel.call(self._answer(request.call))
        except OracleError as error:
            await self._fail(error)
            if error.code in FATAL:
                await self._channel.hear_out()
                raise Gone from None
        except (Broken, Gone, OSError):
            raise
        except Exception as error:
            # A mistake of the server's must not look like a hanging database.
            self._database.failures.append(error)
            _LOG.exception("The loopback Oracle server failed")
            await self._fail(OracleError(600, f"internal error code, arguments: [{error!r}]"))
            await self._channel.hear_out()
            raise Gone from None

    async def _answer(self, call: Call) -> None:
        name, sql = self._name(call)
        self._database.counts[name] += 1
        if self._killed is not None:
            raise self._killed
        await self._suffer(self._database.faults.before(name, sql, self.number))
        match call:
            case Execute():
                await self._execute(call, sql)
            case Fetch():
                cursor = self._cursors.get(call.cursor)
                await self._send_rows("fetch", cursor, call.rows, b"")
            case LobCall():
                await self._end(End(), self._database.lobs.answer(call, self.number))
            case Simple():
                await self._simple(call.code)

    def _name(self, call: Call) -> tuple[str, str]:
        """The call as faults name it, and the statement it belongs to."""
        match call:
            case Execute():
                sql = call.sql if call.sql is not None else self._cursors.get(call.cursor).sql
                return "execute", sql
            case Fetch():
                return "fetch", self._cursors.get(call.cursor).sql
            case LobCall():
                return "lob", ""
            case Simple():
                return call.code.name.lower(), ""

    async def _suffer(self, fault: Fault | None) -> None:
        if fault is None:
            return
        match fault.what:
            case What.DELAY:
                await asyncio.sleep(fault.seconds)
            case What.STALL:
                await asyncio.Event().wait()
            case What.DEAF:
                self._channel.deafen()
                await asyncio.Event().wait()
            case What.CUT:
                self._channel.cut()
                raise Gone
            case What.FAIL:
                assert fault.error is not None
                raise fault.error

    def _read(self, value: Value) -> Value:
        """A bound CLOB as its text."""
        return self._database.lobs.text(value.raw) if isinstance(value, Locator) else value

    async def _execute(self, call: Execute, sql: str) -> None:
        if call.cursor:
            self._database.counts["reexecute"] += call.executes
            cursor = self._cursors.get(call.cursor)
        else:
            self._database.counts["parse"] += 1
            cursor = self._cursors.open(sql)
        if call.binds:
            cursor.binds = call.binds
        if call.defines is not None and cursor.columns is not None:
            cursor.defines = define_types(cursor.columns, call.defines)
        message = b""
        if call.executes and is_question(cursor.sql):
            attributes = self._cursors.open("")
            attributes.take(Recording(Result(ATTRIBUTES, [])))
            answered = type_answer(call.values[0][1], attributes.number, self._release.fields)
            await self._end(End(cursor.number), answered)
            return
        if call.executes:
            touched = await self._run(call, cursor)
            if cursor.recording is None:
                await self._end(End(cursor.number, touched))
                return
        elif call.describes:
            nothing = await self._data.describe(cursor.sql)
            cursor.columns = nothing.columns if nothing else None
        if cursor.columns is not None:
            described = describe(cursor.columns, self._release.fields)
            # As Oracle does: a query run again is described again if its columns have changed.
            if call.describes or described != cursor.described:
                message = cursor.described = described
        await self._send_rows("execute", cursor, call.rows if call.fetches else 0, message)

    async def _run(self, call: Execute, cursor: Cursor) -> int:
        """Execute the cursor's statement; the number of rows touched, unless it is a query."""
        playback = self._database.playback
        cursor.recording = None
        executions = [[self._read(value) for value in values] for values in call.values]
        values = executions[0] if executions else []
        key = self._data.key(cursor.sql, values)
        recording = playback.find(key) if key is not None else None
        if recording is None:
            found = await self._data.run(cursor.sql, executions)
            if call.commits:
                await self._data.commit()
            if not isinstance(found, Result):
                return found
            recording = Recording(found)
            # Unless the data changed meanwhile, so that nobody can tell which of it was read.
            if key is not None and key == self._data.key(cursor.sql, values):
                playback.keep(key, recording)
        cursor.take(recording)
        return 0

    async def _send_rows(self, name: str, cursor: Cursor, rows: int, message: bytes) -> None:
        """At most that many rows of the cursor's result and the end of the call, behind ``message``."""
        first = cursor.sent
        recording = cursor.recording
        # A client that has not said how it wants its LOBs gets no row yet.
        if not rows or recording is None or (recording.has_lobs and cursor.defines is None):
            await self._end(End(cursor.number, first), message)
            return
        database = self._database
        known = recording.rows(cursor.defines, database.lobs, repeats=database.repeats)
        sent = known[first : first + rows]
        fault = database.faults.within(name, cursor.sql, self.number, first, first + max(len(sent), 1))
        if fault is not None and fault.rows is not None:
            before = sent[: fault.rows - first]
            cursor.sent += len(before)
            await self._channel.send(_rows(message, recording, before), last=False)
            await self._suffer(fault)
            sent, message = sent[len(before) :], b""
        cursor.sent += len(sent)
        done = OracleError(NO_DATA_FOUND) if cursor.sent - first < rows else None
        await self._end(End(cursor.number, cursor.sent, error=done), _rows(message, recording, sent))

    async def _simple(self, code: Code) -> None:
        match code:
            case Code.COMMIT:
                await self._data.commit()
            case Code.ROLLBACK:
                await self._data.rollback()
            case _:
                pass  # nothing but an answer is wanted
        message = status(in_transaction=self._data.in_transaction)
        await self._channel.send(message + self._closing())
        if code is Code.LOGOFF:
            raise Gone

    async def _end(self, end: End, message: bytes = b"") -> None:
        in_transaction = self._data.in_transaction
        end = End(end.cursor, end.rows, in_transaction, end.error)
        await self._channel.send(message + end_of_call(end, self._release.fields) + self._closing())

    async def _fail(self, error: OracleError, *, announced: bool = False) -> None:
        if announced or self._release.breaks_on_error:
            await self._channel.interrupt_client()
        await self._end(End(error=error))

    def _closing(self) -> bytes:
        return bytes([END_OF_RESPONSE]) if self._release.end_of_response else b""


def _rows(message: bytes, recording: Recording, rows: list[bytes]) -> bytes:
    """The rows behind the message, under a header of their own."""
    if not rows:
        return message
    return b"".join((message, row_header(len(recording.columns), len(rows)), *rows))
