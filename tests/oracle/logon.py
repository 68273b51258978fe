"""From the first packet of a connection to a session: the listener's part, then the database's."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

from tests.oracle import handshake
from tests.oracle.channel import Channel, Gone
from tests.oracle.database import Database
from tests.oracle.errors import End, OracleError, end_of_call, status
from tests.oracle.faults import Fault, What
from tests.oracle.packets import Kind, packet, read_packet
from tests.oracle.password import Logon, Verifier
from tests.oracle.release import FAST_AUTHENTICATION_FIELDS
from tests.oracle.session import END_OF_RESPONSE, Session
from tests.oracle.ttc import Reader

_UNIT = 65535
"""The longest packet the server takes part in; a client usually asks for 8,192."""
_FOR_EVER = 3600.0

First = tuple[list[tuple[int, int, int]], handshake.Authentication] | None


async def accept(
    database: Database, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[int, bool]:
    """Refuse the client, or accept it: how long packets may be, and whether it may break out of band. Raises Gone when it
    was refused."""
    first = await read_packet(reader, large=False)
    if first.kind != Kind.CONNECT:
        raise Gone
    database.counts["connect"] += 1
    connect = handshake.Connect.of(first.body)
    descriptor = connect.descriptor
    if descriptor is None:
        descriptor = (await read_packet(reader, large=False)).body.decode()
    refusal = await _suffer(database.faults.before("connect"))
    if refusal is None and handshake.service_of(descriptor).lower() != database.service.lower():
        refusal = OracleError(12514)
    # Both with the short length: the client knows of the long one when it has been accepted.
    if refusal is not None:
        writer.write(packet(Kind.REFUSE, handshake.refuse(refusal.code), large=False))
        await writer.drain()
        raise Gone
    unit = min(connect.unit, _UNIT)
    # TLS has no such thing as data out of band.
    attention = connect.attention and database.attention and not writer.get_extra_info("ssl_object")
    if attention:
        # The byte stays in its place between the packets.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    body = handshake.accept(database.release, unit, attention=attention)
    writer.write(packet(Kind.ACCEPT, body, large=False))
    await writer.drain()
    return unit, attention


async def log_on(database: Database, channel: Channel) -> Session | None:
    """Protocol, data types and password; None where the client was turned away."""
    release = database.release
    first = await channel.request(_first_message)
    greeting = b""
    if first is not None:
        types, authentication = first
        greeting = handshake.protocol(release) + handshake.data_types(types)
    else:
        await channel.send(handshake.protocol(release), last=False)
        types = await channel.request(_data_types)
        await channel.send(handshake.data_types(types), last=False)
        authentication = await channel.request(partial(_authentication, fields=release.fields))
    is_known = authentication.user.lower() == database.user.lower()
    logon = Logon(database.verifier if is_known else Verifier.of_nobody())
    closing = bytes([END_OF_RESPONSE]) if release.end_of_response else b""
    good = status(in_transaction=False) + closing
    await channel.send(greeting + handshake.parameters(logon.challenge()) + good)
    answer = await channel.request(partial(_authentication, fields=release.fields))
    error = await _suffer(database.faults.before("logon"))
    if error is None and not logon.accepts(answer.values):
        error = OracleError(1017)
    if error is None and len(database.sessions) >= database.most_sessions:
        error = OracleError(18)
    if error is not None:
        await channel.send(end_of_call(End(error=error), release.fields) + closing)
        return None
    database.counts["logon"] += 1
    session = Session(database, channel, database.counts["logon"])
    database.sessions[session.number] = session
    await channel.send(handshake.parameters(_welcome(database, logon, session.number)) + good)
    return session


def _welcome(database: Database, logon: Logon, number: int) -> list[tuple[str, str, int]]:
    name = database.service.upper()
    values = {
        "AUTH_SVR_RESPONSE": logon.proof(),
        "AUTH_VERSION_NO": str(database.release.number),
        "AUTH_SESSION_ID": str(number),
        "AUTH_SERIAL_NUM": "1",
        "AUTH_SC_DBUNIQUE_NAME": name,
        "AUTH_SC_REAL_DBUNIQUE_NAME": name,
        "AUTH_SC_SERVICE_NAME": database.service,
        "AUTH_INSTANCENAME": name,
        "AUTH_MAX_OPEN_CURSORS": "300",
        "AUTH_MAX_IDEN_LENGTH": "128",
    }
    return [(key, value, 0) for key, value in values.items()]


async def _suffer(fault: Fault | None) -> OracleError | None:
    """The error the fault ends with, if it does; raises Gone where it is a cut."""
    if fault is None:
        return None
    if fault.what is What.CUT:
        raise Gone
    if fault.what is not What.FAIL:
        await asyncio.sleep(fault.seconds if fault.what is What.DELAY else _FOR_EVER)
    return fault.error


def _first_message(data: bytes) -> First:
    """None for a protocol message, types and logon for a fast authentication."""
    reader = Reader(data)
    if reader.u8() == handshake.FAST_AUTHENTICATION:
        return handshake.read_fast_authentication(reader, FAST_AUTHENTICATION_FIELDS)
    handshake.read_protocol(reader)
    return None


def _data_types(data: bytes) -> list[tuple[int, int, int]]:
    reader = Reader(data)
    reader.u8()
    return handshake.read_data_types(reader)


def _authentication(data: bytes, fields: int) -> handshake.Authentication:
    reader = Reader(data)
    reader.u8()
    return handshake.read_authentication(reader, fields)
