"""Two-Task Common's wire primitives, as the driver reads and writes them.

An integer in "universal" form is one byte with the number of bytes that follow, then these, big endian; zero is the single
byte 0, and the top bit of the length says that it is negative. Bytes are a length of one byte and the bytes; from 253 bytes
on they are the byte 254, chunks of at most 32,767 bytes with a universal length each, and an empty chunk. Length 0 is NULL.
"""

from __future__ import annotations

_LONG = 254
_MOST_SHORT = 252
_CHUNK = 32767
_NULL = 255
_NEGATIVE = 0x80


class Incomplete(Exception):
    """The message goes on in a packet that has not arrived."""


def universal(value: int) -> bytes:
    """An integer of at most eight bytes in universal form."""
    magnitude = abs(value)
    length = (magnitude.bit_length() + 7) // 8
    # The driver reads lengths 1, 2, 4 and 8 everywhere, others not in every version.
    length = next(allowed for allowed in (0, 1, 2, 4, 8) if allowed >= length)
    return bytes([length | (_NEGATIVE if value < 0 else 0)]) + magnitude.to_bytes(length, "big")


def sized(value: bytes | None) -> bytes:
    """Bytes behind their length, in chunks where they are long; nothing is NULL."""
    if not value:
        return b"\0"
    if len(value) <= _MOST_SHORT:
        return bytes([len(value)]) + value
    chunks = (value[start : start + _CHUNK] for start in range(0, len(value), _CHUNK))
    return bytes([_LONG]) + b"".join(universal(len(chunk)) + chunk for chunk in chunks) + b"\0"


def twice_sized(value: bytes | None) -> bytes:
    """Bytes behind a universal length and, unless that is zero, behind their own length again."""
    return universal(len(value)) + sized(value) if value else b"\0"


class Writer:
    """A message being put together."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def take(self) -> bytes:
        return bytes(self._parts)

    def raw(self, value: bytes) -> Writer:
        self._parts += value
        return self

    def u8(self, *values: int) -> Writer:
        self._parts += bytes(values)
        return self

    def fixed(self, value: int, size: int, order: str = "big") -> Writer:
        self._parts += value.to_bytes(size, "little" if order == "little" else "big")
        return self

    def number(self, *values: int) -> Writer:
        for value in values:
            self._parts += universal(value)
        return self

    def sized(self, value: bytes | None) -> Writer:
        self._parts += sized(value)
        return self

    def twice_sized(self, value: bytes | None) -> Writer:
        self._parts += twice_sized(value)
        return self

    def text(self, value: str | None) -> Writer:
        return self.twice_sized(value.encode() if value else None)


class Reader:
    """A message being taken apart. Every method raises Incomplete when the data ends before it is satisfied."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def rest(self) -> bytes:
        return self._data[self._at :]

    def raw(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise Incomplete
        value = self._data[self._at : end]
        self._at = end
        return value

    def u8(self) -> int:
        return self.raw(1)[0]

    def fixed(self, size: int, order: str = "big") -> int:
        return int.from_bytes(self.raw(size), "little" if order == "little" else "big")

    def number(self) -> int:
        head = self.u8()
        value = int.from_bytes(self.raw(head & ~_NEGATIVE), "big")
        return -value if head & _NEGATIVE else value

    def sized(self) -> bytes | None:
        length = self.u8()
        if length in (0, _NULL):
            return None
        if length != _LONG:
            return self.raw(length)
        value = bytearray()
        while size := self.number():
            value += self.raw(size)
        return bytes(value)

    def twice_sized(self) -> bytes | None:
        return self.sized() if self.number() else None

    def text(self) -> str:
        return (self.twice_sized() or b"").decode()

    def skip(self, kinds: str) -> None:
        """Pass over fields: ``b`` a byte, ``n`` a universal integer."""
        for kind in kinds:
            if kind == "b":
                self.u8()
            else:
                self.number()
