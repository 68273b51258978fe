"""Large objects: what a row has of one (a locator), and what is read through it.

A locator is forty bytes that only the server understands, but for two flags: a BLOB's, and that a text is read as UTF-16.
"""

from __future__ import annotations

from enum import IntEnum

from tests.oracle.errors import OracleError
from tests.oracle.requests import LobCall
from tests.oracle.ttc import Writer, sized, universal

LOB_DATA = 14
PARAMETER = 8
_SIZE = 40
_NUMBER_AT = 16
_IS_BLOB = 0x01
_INITIALISED = 0x08
_IS_UTF16 = 0x80
_CHUNK = 8132
"""What Oracle names as the size a LOB is best read in."""


class Operation(IntEnum):
    """What is asked of a LOB."""

    GET_LENGTH = 0x1
    READ = 0x2
    GET_CHUNK_SIZE = 0x4000
    OPEN = 0x8000
    CLOSE = 0x10000
    IS_OPEN = 0x11000


class Lobs:
    """The LOBs of a server; they live as long as it does."""

    def __init__(self) -> None:
        self._values: list[str | bytes] = []

    def in_row(self, value: str | bytes) -> bytes:
        """What a row has of a LOB: its locator with the length of the LOB and of a chunk."""
        locator = self._locator(value)
        length = len(value) if isinstance(value, bytes) else len(_units(value)) // 2
        return universal(len(locator)) + universal(length) + universal(_CHUNK) + sized(locator)

    def _locator(self, value: str | bytes) -> bytes:
        self._values.append(value)
        number = len(self._values) - 1
        is_blob = isinstance(value, bytes)
        flags = bytes([_IS_BLOB if is_blob else 0, _INITIALISED, 0 if is_blob else _IS_UTF16, 0])
        head = (_SIZE - 2).to_bytes(2, "big") + b"\0\4" + flags
        return (head.ljust(_NUMBER_AT, b"\0") + number.to_bytes(8, "big")).ljust(_SIZE, b"\0")

    def answer(self, call: LobCall) -> bytes:
        """The messages that answer an operation, without the call's end. Raises OracleError for what is not known."""
        number = int.from_bytes(call.locator[_NUMBER_AT : _NUMBER_AT + 8], "big")
        if len(call.locator) != _SIZE or number >= len(self._values):
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


def _units(value: str) -> bytes:
    return value.encode("utf-16-be")
