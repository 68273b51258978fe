"""Large objects: what a row has of one (a locator), what is read through it, and those a client makes for its binds.

A locator is forty bytes that only the server understands, but for three flags: a BLOB's, that a text is read as UTF-16, and that
the LOB is a temporary one, which the client frees.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.oracle import types
from tests.oracle.errors import OracleError
from tests.oracle.requests import LOB_DATA, LOCATOR_SIZE, LobCall, Operation
from tests.oracle.ttc import Writer, sized, universal

PARAMETER = 8
_NUMBER_AT = 16
_IS_BLOB = 0x01
_INITIALISED = 0x08
_IS_UTF16 = 0x80
_IS_TEMPORARY = 0x01
_UTF8_CHARACTERS = 873
_CHUNK = 8132
"""What Oracle names as the size a LOB is best read in."""


class Lobs:
    """The LOBs of a server; they live as long as it does, temporary ones until they are freed."""

    def __init__(self) -> None:
        self._values: dict[int, str | bytes] = {}
        self._last = 0
        self.temporary: dict[bytes, int] = {}
        """Locators of those that a client has made and not freed, with its session's number."""

    def in_row(self, value: str | bytes) -> bytes:
        """What a row has of a LOB: its locator with the length of the LOB and of a chunk."""
        locator = self._locator(value, 0)
        length = len(value) if isinstance(value, bytes) else len(_units(value)) // 2
        return universal(len(locator)) + universal(length) + universal(_CHUNK) + sized(locator)

    def text(self, locator: bytes) -> str:
        """What a CLOB that is bound holds. Raises ORA-22275 for a locator that names none."""
        value = self._values.get(_number(locator))
        if not isinstance(value, str):
            raise OracleError(22275, "invalid LOB locator specified")
        return value

    def free(self, locators: Sequence[bytes]) -> None:
        """Forgets temporary LOBs."""
        for locator in locators:
            if self.temporary.pop(locator, None) is not None:
                del self._values[_number(locator)]

    def end(self, session: int) -> None:
        """Forgets those of a session that is over."""
        self.free([locator for locator, owner in self.temporary.items() if owner == session])

    def _locator(self, value: str | bytes, lifetime: int) -> bytes:
        self._last += 1
        self._values[self._last] = value
        is_blob = isinstance(value, bytes)
        flags = bytes([_IS_BLOB if is_blob else 0, _INITIALISED, 0 if is_blob else _IS_UTF16, lifetime])
        head = (LOCATOR_SIZE - 2).to_bytes(2, "big") + b"\0\4" + flags
        return (head.ljust(_NUMBER_AT, b"\0") + self._last.to_bytes(8, "big")).ljust(LOCATOR_SIZE, b"\0")

    def _create(self, call: LobCall, session: int) -> bytes:
        if call.kind != types.CLOB:
            raise OracleError(3115, "this server makes temporary CLOBs only")
        locator = self._locator("", _IS_TEMPORARY)
        self.temporary[locator] = session
        return Writer().u8(PARAMETER).raw(locator).number(_UTF8_CHARACTERS).u8(0).take()

    def answer(self, call: LobCall, session: int) -> bytes:
        """The messages that answer an operation, without the call's end. Raises OracleError for what is not known."""
        if call.operation == Operation.CREATE_TEMPORARY:
            return self._create(call, session)
        number = _number(call.locator)
        if number not in self._values:
            raise OracleError(22275, "invalid LOB locator specified")
        value = self._values[number]
        message = Writer()
        amount = call.amount
        match call.operation:
            case Operation.READ:
                units = value if isinstance(value, bytes) else _units(value)
                width = 1 if isinstance(value, bytes) else 2
                start = (call.offset - 1) * width
                piece = units[start : start + (call.amount or 0) * width]
                amount = len(piece) // width
                if piece:
                    message.u8(LOB_DATA).sized(piece)
            case Operation.GET_LENGTH:
                amount = len(value) if isinstance(value, bytes) else len(_units(value)) // 2
            case Operation.GET_CHUNK_SIZE:
                amount = _CHUNK
            case Operation.WRITE:
                if call.locator not in self.temporary or not isinstance(value, str):
                    raise OracleError(3115, "this server writes into temporary CLOBs only")
                self._values[number] = _written(value, call)
            case Operation.OPEN | Operation.CLOSE | Operation.IS_OPEN:
                pass
            case _:
                raise OracleError(3115, f"LOB operation {call.operation} is not one that this server knows")
        message.u8(PARAMETER).raw(call.locator)
        if call.amount is not None:
            message.number(amount or 0)
        if call.operation == Operation.IS_OPEN:
            message.u8(0)
        return message.take()


def _number(locator: bytes) -> int:
    return int.from_bytes(locator[_NUMBER_AT : _NUMBER_AT + 8], "big")


def _written(value: str, call: LobCall) -> str:
    """The text after a write; one past its end stands behind blanks, as Oracle has it."""
    units, start = _units(value), (call.offset - 1) * 2
    kept = units[:start] + _units(" ") * ((start - len(units)) // 2)
    return (kept + call.data + units[start + len(call.data) :]).decode("utf-16-be")


def _units(value: str) -> bytes:
    return value.encode("utf-16-be")
