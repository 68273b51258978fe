"""Errors with their ORA numbers, and the message that ends every call."""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.release import WITH_SQL_TYPE
from tests.oracle.ttc import Writer

ERROR = 4
"""The message that ends a call, also a good one."""
STATUS = 9
NO_DATA_FOUND = 1403
"""Not an error: the rows have come to their end."""

TEXTS = {
    18: "maximum number of sessions exceeded",
    28: "your session has been killed",
    904: "invalid identifier",
    911: "invalid character",
    933: "SQL command not properly ended",
    936: "missing expression",
    942: "table or view does not exist",
    1001: "invalid cursor",
    1008: "not all variables bound",
    1013: "user requested cancel of current operation",
    1017: "invalid username/password; logon denied",
    1031: "insufficient privileges",
    1033: "ORACLE initialization or shutdown in progress",
    1089: "immediate shutdown or close in progress - no operations are permitted",
    1403: "no data found",
    1555: 'snapshot too old: rollback segment number 9 with name "_SYSSMU9" too small',
    1795: "maximum number of expressions in a list is 1000",
    3113: "end-of-file on communication channel",
    3114: "not connected to ORACLE",
    4031: "unable to allocate 4160 bytes of shared memory",
    8180: "no snapshot found based on specified time",
    8181: "specified number is not a valid system change number",
    12516: "TNS:listener could not find available handler with matching protocol stack",
    12514: "TNS:listener does not currently know of service requested in connect descriptor",
    28000: "The account is locked.",
}

FATAL = frozenset({28, 600, 603, 1012, 1089, 1092, 2396, 3113, 3114})
"""After these the server hangs up."""


class OracleError(Exception):
    """An error of a call: what the client gets to see as ``ORA-<code>: <text>``."""

    def __init__(self, code: int, text: str | None = None, *, position: int = 0) -> None:
        self.code = code
        self.text = text or TEXTS.get(code, "an error for a test")
        self.position = position
        """Where in the statement, in characters."""
        super().__init__(f"ORA-{code:05}: {self.text}")


@dataclass(frozen=True, slots=True)
class End:
    """How a call ended."""

    cursor: int = 0
    rows: int = 0
    """Of a query the rows sent so far, of a change the rows it touched."""
    in_transaction: bool = False
    error: OracleError | None = None


def end_of_call(end: End, fields: int) -> bytes:
    """The message that ends a call, of a field version."""
    error = end.error
    code = error.code if error else 0
    message = Writer().u8(ERROR)
    message.number(
        2 if end.in_transaction else 0, 0, end.rows & 0xFFFFFFFF, min(code, 0xFFFF), 0, 0, end.cursor
    )
    message.number(error.position if error else 0)
    message.u8(0, 0, 0, 0, 0, 0)
    message.number(0, 0).u8(0).number(0, 0)  # a row id
    message.number(0).u8(0, 0).number(0, 0).number(0)
    message.number(0, 0, 0)  # errors of a batch
    message.number(code, end.rows)
    if fields >= WITH_SQL_TYPE:
        message.number(0, 0)
    if error:
        message.sized(str(error).encode())
    return message.take()


def status(*, in_transaction: bool) -> bytes:
    """The shorter end of a call that answers nothing."""
    return Writer().u8(STATUS).number(2 if in_transaction else 0, 0).take()
