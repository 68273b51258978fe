"""TTC and TNS without a socket: what is written is read, and what is cut off is noticed."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.binds import Described
from tests.oracle.packets import DATA_HEADER, Kind, Packet, data_packets, marker, read_packet
from tests.oracle.packets import Marker as MarkerKind
from tests.oracle.password import Logon, Verifier
from tests.oracle.requests import Execute, read_request
from tests.oracle.ttc import Incomplete, Reader, Writer, sized, universal

_LONG = st.integers(0, 200_000).map(bytes)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_come_back(value: int) -> None:
    assert Reader(universal(value)).number() == value


@pytest.mark.parametrize(
    ("value", "wire"),
    (
        (0, "00"),
        (1, "0101"),
        (255, "01ff"),
        (256, "020100"),
        (65536, "0400010000"),
        (-1, "8101"),
        (2**32, "080000000100000000"),
    ),
)
def test_integers_have_a_length_the_driver_knows(value: int, wire: str) -> None:
    assert universal(value).hex() == wire


@given(st.lists(st.binary(max_size=300) | _LONG | st.none(), max_size=5))
def test_bytes_come_back_and_empty_ones_are_null(values: list[bytes | None]) -> None:
    writer = Writer()
    for value in values:
        writer.sized(value).twice_sized(value)
    reader = Reader(writer.take())
    for value in values:
        assert reader.sized() == (value or None)
        assert reader.twice_sized() == (value or None)
    assert reader.rest == b""


@pytest.mark.parametrize(("size", "overhead"), ((1, 1), (252, 1), (253, 4), (32767, 5), (32768, 7)))
def test_long_bytes_are_in_chunks(size: int, overhead: int) -> None:
    assert len(sized(bytes(size))) == size + overhead


@given(st.binary(min_size=1, max_size=70_000), st.integers(DATA_HEADER + 1, 9000), st.integers(0, 0xFFFF))
def test_a_message_comes_back_from_its_packets(message: bytes, unit: int, flags: int) -> None:
    async def read() -> list[Packet]:
        reader = asyncio.StreamReader()
        packets = data_packets(message, unit, last_flags=flags)
        assert max(map(len, packets)) <= unit
        reader.feed_data(b"".join([*packets, marker(MarkerKind.BREAK)]))
        return [await read_packet(reader, large=True) for _ in range(len(packets) + 1)]

    *found, last = asyncio.run(read())
    assert b"".join(packet.body for packet in found) == message
    assert [packet.flags for packet in found] == [0] * (len(found) - 1) + [flags]
    assert (last.kind, last.marker) == (Kind.MARKER, MarkerKind.BREAK)


# A request of the driver to a server that plays 19c: execute "SELECT :1 FROM DUAL" with one bind, behind a closed cursor.
_REQUEST = bytes.fromhex(
    "1169040101010101035e050280690001011301010d0000000102047fffffff0101010000000000000000000100"
    "00000000000000000000000000001353454c454354203a312046524f4d204455414c0101000000000000010100"
    "02800000000001010000011000000000020369010000070474657874"
)


def test_a_request_cut_off_anywhere_is_incomplete() -> None:
    whole = read_request(_REQUEST, 12, lambda _cursor: ())
    assert whole.closed == (1,)
    assert isinstance(whole.call, Execute)
    assert whole.call.sql == "SELECT :1 FROM DUAL"
    assert whole.call.binds == (Described(1, 16, 1),)
    assert whole.call.values == [["text"]]
    for size in range(len(_REQUEST)):
        with pytest.raises(Incomplete):
            read_request(_REQUEST[:size], 12, lambda _cursor: ())


def test_a_logon_that_proves_nothing_is_not_accepted() -> None:
    logon = Logon(Verifier.of("secret"))
    assert [name for name, *_ in logon.challenge()][:2] == ["AUTH_SESSKEY", "AUTH_VFR_DATA"]
    zeros = {"AUTH_SESSKEY": "00" * 32, "AUTH_PBKDF2_SPEEDY_KEY": "00" * 80, "AUTH_PASSWORD": "00" * 32}
    assert not logon.accepts(zeros)
    assert not logon.accepts({})
    assert not logon.accepts(zeros | {"AUTH_PASSWORD": "no hexadecimal"})
    assert Verifier.of("secret") != Verifier.of("secret")
