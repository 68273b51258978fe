"""Which database the server plays: what it says of itself in the handshake, and what follows for every message.

The numbers are the places and bits of the capability arrays that the driver looks at; everything else is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

_FIELD_VERSION = 7
_TTC4 = 40
_EXPLICIT_BOUNDARY = 0x40
_RUNTIME_TTC = 6
_SESSION_STATE = 0x10
_CAPABILITIES = 53
_RUNTIME_CAPABILITIES = 11

WITH_ACCOUNT_COLUMN = 8
"""Field version from which column metadata has a column id and an execute names its SQL signature (12.2)."""
WITH_CHUNK_IDS = 9
WITH_SQL_TYPE = 14
"""Field version from which the end of a call has the type of the statement (20.1)."""
WITH_DOMAINS = 17
WITH_TOKENS = 18
"""Field version from which a function's header has a token (23.1)."""
WITH_ANNOTATIONS = 20
WITH_VECTORS = 24
FAST_AUTHENTICATION_FIELDS = 13
"""The field version in which the driver writes the logon inside its fast authentication message."""


@dataclass(frozen=True, slots=True)
class Release:
    """One release of the database, as far as a client sees it on the wire."""

    version: tuple[int, int, int, int, int]
    protocol: int
    """TNS protocol version; from 319 on responses may have an explicit end."""
    fields: int
    """TTC field version: which members messages have."""
    fast_authentication: bool
    """Whether protocol, data types and logon may come in one message."""
    end_of_response: bool
    breaks_on_error: bool
    """Whether an error of a call is announced by a break marker before it is sent."""

    @property
    def number(self) -> int:
        """The version as AUTH_VERSION_NO has it."""
        major, minor, update, patch, port = self.version
        return major << 24 | minor << 16 | update << 12 | patch << 4 | port

    @property
    def text(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def banner(self) -> str:
        return f"Oracle Database {self.version[0]} Loopback for Tests Release {self.text}"

    def capabilities(self) -> bytes:
        values = bytearray(_CAPABILITIES)
        values[_FIELD_VERSION] = self.fields
        values[_TTC4] = _EXPLICIT_BOUNDARY
        return bytes(values)

    def runtime_capabilities(self) -> bytes:
        values = bytearray(_RUNTIME_CAPABILITIES)
        values[_RUNTIME_TTC] = _SESSION_STATE
        return bytes(values)


ORACLE_19 = Release((19, 26, 0, 0, 0), 318, 12, False, False, True)
ORACLE_23 = Release((23, 7, 0, 0, 0), 319, 24, True, True, False)
