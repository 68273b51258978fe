"""The beginning of a connection: connect and accept, then protocol, data types and logon, in turn or all in one.

Pure: bytes of the client in, bytes for it out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.oracle.errors import TEXTS
from tests.oracle.release import WITH_TOKENS, Release
from tests.oracle.ttc import Reader, Writer

PROTOCOL = 1
DATA_TYPES = 2
PARAMETER = 8
FAST_AUTHENTICATION = 34
PHASE_ONE = 118
PHASE_TWO = 115

UTF8 = 873
UTF16 = 2000
_CONNECT_FIXED = 50
"""Bytes of a connect packet up to the flags; the descriptor stands where the packet says, or in a data packet of its own."""
_NO_NATIVE_SECURITY = 0x04
_ATTENTION = 0x0400
_CHECK_ATTENTION = 0x00000001
_FAST_AUTHENTICATION = 0x10000000
_END_OF_RESPONSE = 0x02000000


@dataclass(frozen=True, slots=True)
class Connect:
    """What a client asks the listener for."""

    attention: bool
    """Whether it can send out-of-band data, and would like to try."""
    unit: int
    """The longest packet it would like, in bytes."""
    descriptor: str | None
    """None: it comes in the next packet."""

    @classmethod
    def of(cls, body: bytes) -> Connect:
        length, offset = int.from_bytes(body[16:18], "big"), int.from_bytes(body[18:20], "big") - 8
        text = body[offset : offset + length]
        unit = int.from_bytes(body[_CONNECT_FIXED : _CONNECT_FIXED + 4], "big")
        attention = bool(int.from_bytes(body[4:6], "big") & _ATTENTION)
        return cls(attention, unit, text.decode() if len(text) == length else None)


def service_of(descriptor: str) -> str:
    """The service's name in a connect descriptor."""
    found = re.search(r"SERVICE_NAME=([^)]*)\)", descriptor, re.IGNORECASE)
    return found[1] if found else ""


def accept(release: Release, unit: int, *, attention: bool) -> bytes:
    """The body of an accept packet; ``attention``: breaks may be sent out of band, and the client is to try it now."""
    flags = (_FAST_AUTHENTICATION if release.fast_authentication else 0) | (
        _END_OF_RESPONSE if release.end_of_response else 0
    )
    flags |= _CHECK_ATTENTION if attention else 0
    short_unit = min(unit, 0xFFFF)
    body = Writer().fixed(release.protocol, 2)
    body.fixed(_ATTENTION if attention else 0, 2).fixed(short_unit, 2).fixed(short_unit, 2).fixed(0, 2).fixed(
        0, 2
    ).fixed(0, 2)
    body.u8(_NO_NATIVE_SECURITY).raw(bytes(9)).fixed(unit, 4).raw(bytes(5)).fixed(flags, 4)
    return body.take()


def refuse(code: int) -> bytes:
    """The body of a refuse packet: a listener's no, with its error."""
    stack = f"(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4)(ARGS='{TEXTS.get(code, '')}')))"
    text = f"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR={code}){stack})".encode()
    return Writer().u8(4, 0).fixed(len(text), 2).raw(text).take()


def read_protocol(reader: Reader) -> None:
    """The client's protocol message behind its kind: a version, zero, its name up to a zero byte."""
    reader.skip("bb")
    while reader.u8():
        pass


def protocol(release: Release) -> bytes:
    """The server's side of the protocol message: character sets and capabilities."""
    message = Writer().u8(PROTOCOL, 6, 0).raw(release.banner.encode() + b"\0")
    message.fixed(UTF8, 2, "little").u8(1).fixed(0, 2, "little")
    formats = bytes(9) + UTF16.to_bytes(2, "big")
    message.fixed(len(formats), 2).raw(formats)
    message.sized(release.capabilities()).sized(release.runtime_capabilities())
    return message.take()


def read_data_types(reader: Reader) -> list[tuple[int, int, int]]:
    """The client's data types behind the message's kind: type, type on the wire and representation."""
    reader.raw(5)
    reader.sized()
    reader.sized()
    types = []
    while number := reader.fixed(2):
        types.append((number, reader.fixed(2), reader.fixed(2)))
        reader.fixed(2)
    return types


def data_types(types: list[tuple[int, int, int]]) -> bytes:
    """The same types back: the server takes them all as they are."""
    message = Writer().u8(DATA_TYPES)
    for number, converted, representation in types:
        message.fixed(number, 2).fixed(converted, 2)
        if converted:
            message.fixed(representation, 2).fixed(0, 2)
    return message.fixed(0, 2).take()


@dataclass(frozen=True, slots=True)
class Authentication:
    """One of the two messages of a logon."""

    phase: int
    user: str
    values: dict[str, str]


def read_function_head(reader: Reader, fields: int) -> int:
    """Behind the kind of a function or piggyback: its code, a sequence number and, in newer releases, a token."""
    code = reader.u8()
    reader.u8()
    if fields >= WITH_TOKENS:
        reader.number()
    return code


def read_authentication(reader: Reader, fields: int) -> Authentication:
    """The logon message behind its kind."""
    phase = read_function_head(reader, fields)
    has_user = reader.u8()
    reader.skip("nnb")
    pairs = reader.number()
    reader.skip("bb")
    user = (reader.sized() or b"").decode() if has_user else ""
    values = {}
    for _ in range(pairs):
        key, value = reader.text(), reader.text()
        values[key] = value
        reader.number()
    return Authentication(phase, user, values)


def read_fast_authentication(
    reader: Reader, fields: int
) -> tuple[list[tuple[int, int, int]], Authentication]:
    """Protocol, data types and the logon's first phase in one, behind the message's kind. ``fields`` is the field version
    in which this message is written, whatever comes to be agreed on."""
    reader.skip("bbb")
    reader.u8()
    read_protocol(reader)
    reader.raw(6)
    reader.u8()
    types = read_data_types(reader)
    reader.u8()
    return types, read_authentication(reader, fields)


def parameters(values: list[tuple[str, str, int]]) -> bytes:
    """Names, values and flags of a logon's answer."""
    message = Writer().u8(PARAMETER).number(len(values))
    for key, value, flags in values:
        message.text(key).text(value).number(flags)
    return message.take()
