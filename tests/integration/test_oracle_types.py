"""Each Oracle type of the table of values, over the real driver and a socket, from the database to the text of the record."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.domain import parse_domain
from producers.encode import EncodeError, encode_records
from producers.sources.oracle import OracleSource
from producers.sources.protocol import SourceFailed
from schemas.values import REFUSED, TYPES, Database
from tests.oracle import types
from tests.oracle.server import OracleServer, serving
from tests.oracle.tables import Table
from tests.oracle.times import Moment
from tests.oracle.types import OracleType
from tests.oraclesource import settings_for
from tests.realoracle import RealOracle, real_oracle

EXAMPLES = 60
_SHANGHAI = timezone(timedelta(hours=8))
_NAMES = count(1)


Server = OracleServer | RealOracle


@pytest.fixture(scope="module", params=["loopback", "real"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving() if request.param == "loopback" else real_oracle() as running:
        yield running


def source_for(server: Server, **changes: Any) -> OracleSource:
    return OracleSource(settings_for(server, **changes))


async def records(
    server: Server, columns: dict[str, OracleType], rows: Sequence[Sequence[Any]], **changes: Any
) -> list[str]:
    """The values of each row as they stand in the records, without the container ID in front."""
    name = f"T{next(_NAMES)}"
    server.data.tables.put(
        name, Table.of({"ID": types.varchar2(20), **columns}, [("a", *row) for row in rows])
    )
    if isinstance(server, RealOracle):
        name = server.name(name)
    asked = parse_domain(
        "probe",
        f"SELECT t.* FROM {name} t WHERE t.ID IN ({{{{ids}}}})",
        'description = "x"\ncontainer_id = "ID"',
    )
    source = source_for(server, **changes)
    await source.open()
    try:
        await source.columns(asked)
        found: list[str] = []
        async with aclosing(source.fetch_events_iter(["a"], asked, 7)) as batches:
            async for batch in batches:
                assert batch.num_rows <= 7
                encoded = encode_records(batch)
                found += [encoded.record(index).decode() for index in range(batch.num_rows)]
    finally:
        await source.close()
    async with asyncio.timeout(60):
        while server.sessions:
            await asyncio.sleep(0.001)
    return [text.removeprefix('{"ID":"a",').removesuffix("}") for text in found]


async def texts(server: Server, kind: OracleType, values: Sequence[Any], **changes: Any) -> list[str]:
    """What becomes of each value of one column."""
    return [
        text.removeprefix('"V":')
        for text in await records(server, {"V": kind}, [[v] for v in values], **changes)
    ]


def told(server: Server, kind: OracleType, values: Sequence[Any]) -> list[str]:
    """The same for a property, which is no coroutine."""
    return asyncio.run(texts(server, kind, values))


VALUES: dict[str, tuple[OracleType, Any, str]] = {
    "NUMBER(p≤15,s)": (types.number(15, 2), Decimal("-1234567890123.5"), "-1234567890123.50"),
    "NUMBER(p>15,s)": (
        types.number(38, 10),
        Decimal("9999999999999999999999999999.9999999999"),
        "9999999999999999999999999999.9999999999",
    ),
    "NUMBER": (types.number(), Decimal("-0.1"), "-0.1"),
    "FLOAT": (types.float_(), Decimal("1E+100"), "1E+100"),
    "BINARY_DOUBLE": (types.binary_double(), 0.1, "0.1"),
    "BINARY_FLOAT": (types.binary_float(), 0.5, "0.5"),
    "VARCHAR2": (types.varchar2(40), '膠"\\\n𠮷', '"膠\\"\\\\\\n𠮷"'),
    "NVARCHAR2": (types.nvarchar2(40), "膠𠮷", '"膠𠮷"'),
    "CHAR": (types.char(5), "ab", '"ab   "'),
    "NCHAR": (types.nchar(3), "膠", '"膠  "'),
    "CLOB": (types.clob(), "膠" * 20_000, json.dumps("膠" * 20_000, ensure_ascii=False)),
    "NCLOB": (types.nclob(), "膠𠮷", '"膠𠮷"'),
    "DATE": (types.date(), datetime(2026, 1, 31, 23, 59, 59), '"2026-01-31T23:59:59"'),
    "TIMESTAMP": (
        types.timestamp(6),
        datetime(9999, 12, 31, 23, 59, 59, 999999),
        '"9999-12-31T23:59:59.999999"',
    ),
    "TIMESTAMP WITH TIME ZONE": (
        types.timestamp_tz(6),
        datetime(2026, 1, 1, 7, 59, 59, 120_000, _SHANGHAI),
        '"2025-12-31T23:59:59.120Z"',
    ),
    "TIMESTAMP WITH LOCAL TIME ZONE": (
        types.timestamp_ltz(3),
        datetime(2026, 1, 1, 23, 59, 59, 120_000, UTC),
        '"2026-01-01T23:59:59.120Z"',
    ),
    "RAW": (types.raw(16), b"\x00\xff", '"00ff"'),
    "BLOB": (types.blob(), bytes(range(256)) * 300, f'"{(bytes(range(256)) * 300).hex()}"'),
}
NOT_PLAYED = {"LONG", "LONG RAW", "BOOLEAN"}
"""Types of the table that the loopback server doesn't have."""


def test_every_type_of_the_table_is_tried() -> None:
    assert {*VALUES, *NOT_PLAYED} == {name for rule in TYPES for name in rule.oracle}


@pytest.mark.parametrize("kind", VALUES)
async def test_a_value_is_written_with_all_it_holds(server: Server, kind: str) -> None:
    column, value, text = VALUES[kind]
    assert await texts(server, column, [value, None, value]) == [text, "null", text]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=str)
async def test_what_json_does_not_have_is_null(server: Server, value: float) -> None:
    assert await texts(server, types.binary_double(), [value]) == ["null"]
    assert await texts(server, types.binary_float(), [value]) == ["null"]


async def test_a_fine_fraction_keeps_its_nanoseconds(server: Server) -> None:
    time = Moment(2026, 1, 2, 3, 4, 5, 123_456_789)
    assert await texts(server, types.timestamp(9), [time]) == ['"2026-01-02T03:04:05.123456789"']
    zoned = Moment(2026, 1, 2, 3, 4, 5, 120_000_000, -90)
    assert await texts(server, types.timestamp_tz(9), [zoned]) == ['"2026-01-02T04:34:05.120Z"']


async def test_an_empty_lob_is_an_empty_text_and_null_is_null(server: Server) -> None:
    assert await texts(server, types.clob(), ["", None, "x"]) == ['""', "null", '"x"']
    assert await texts(server, types.blob(), [b"", None]) == ['""', "null"]


async def test_a_lob_above_the_limit_fails_and_is_not_sent(server: Server) -> None:
    for kind, value in ((types.clob(), "x" * 1001), (types.blob(), b"x" * 1001)):
        with pytest.raises(SourceFailed, match=r"column V \(.LOB\) is larger than 1000 bytes"):
            await texts(server, kind, [value], lob_bytes=1000)
        assert len(await texts(server, kind, [value[:1000]], lob_bytes=1000)) == 1


async def test_a_text_of_another_character_set_beside_a_lob_arrives_as_it_is(server: Server) -> None:
    columns = {"L": types.clob(), "N": types.nvarchar2(10), "D": types.date(), "T": types.timestamp(9)}
    row = ["x", "膠", datetime(2026, 1, 1), Moment(2026, 1, 1, 0, 0, 0, 7)]
    assert await records(server, columns, [row]) == [
        '"L":"x","N":"膠","D":"2026-01-01T00:00:00","T":"2026-01-01T00:00:00.000000007"'
    ]


@pytest.mark.parametrize(
    "value", [Moment(-43, 3, 15), datetime(1, 1, 1) - timedelta(0)], ids=["44 BC", "year 1"]
)
async def test_a_year_before_christ_fails_clearly_and_year_1_does_not(server: Server, value: Any) -> None:
    if isinstance(value, Moment):
        with pytest.raises(SourceFailed, match=r"domain probe.*value"):
            await texts(server, types.date(), [value])
    else:
        assert await texts(server, types.date(), [value]) == ['"0001-01-01T00:00:00"']


async def test_a_type_without_a_rule_is_refused_before_a_row_is_read_and_says_what_to_write(
    server: Server,
) -> None:
    with pytest.raises(SourceFailed, match=r"column V has the type INTERVAL_DS.*TO_CHAR"):
        await texts(server, types.interval_ds(), [timedelta(1)])
    assert "INTERVAL_DS" in REFUSED[Database.ORACLE]


async def test_a_value_wider_than_its_column_is_refused(server: Server) -> None:
    if isinstance(server, RealOracle):
        pytest.skip("Oracle does not take such a value in")
    with pytest.raises((SourceFailed, EncodeError)):
        await texts(server, types.number(5, 2), [Decimal("1234567.5")])


_DIGITS = st.integers(1, 38)


@st.composite
def fixed(draw: st.DrawFn) -> tuple[int, int, list[Decimal]]:
    """A precision, a scale, and values that fit."""
    precision = draw(_DIGITS)
    scale = draw(st.integers(0, precision))
    most = 10**precision - 1
    unscaled = draw(st.lists(st.integers(-most, most), min_size=1, max_size=20))
    return precision, scale, [Decimal(value).scaleb(-scale, Context(prec=80)) for value in unscaled]


@given(fixed())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_number_of_any_precision_and_scale_comes_digit_for_digit(
    server: Server, column: tuple[int, int, list[Decimal]]
) -> None:
    precision, scale, values = column
    assert told(server, types.number(precision, scale), values) == [f"{value:.{scale}f}" for value in values]


@st.composite
def floating(draw: st.DrawFn) -> Decimal:
    """A number as NUMBER without precision holds it: up to 38 digits anywhere between 1e-125 and 1e125."""
    digits = draw(st.integers(-(10**38) + 1, 10**38 - 1))
    return Decimal(digits).scaleb(draw(st.integers(-120, 80)), Context(prec=80))


@given(st.lists(floating(), min_size=1, max_size=20))
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_number_without_precision_is_the_same_number(server: Server, values: list[Decimal]) -> None:
    found = told(server, types.number(), values)
    assert [json.loads(text, parse_float=Decimal, parse_int=Decimal) for text in found] == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_double_is_the_same_double(server: Server, values: list[float]) -> None:
    found = [float(text) for text in told(server, types.binary_double(), values)]
    assert [struct.pack(">d", value) for value in found] == [struct.pack(">d", value) for value in values]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_float_is_the_same_float(server: Server, values: list[float]) -> None:
    found = [float(text) for text in told(server, types.binary_float(), values)]
    assert [struct.pack(">f", value) for value in found] == [struct.pack(">f", value) for value in values]


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50), min_size=1, max_size=20
    )
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_text_is_the_same_text(server: Server, values: list[str]) -> None:
    for kind in (types.varchar2(200), types.nvarchar2(200), types.clob()):
        assert [json.loads(text) for text in told(server, kind, values)] == values


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=1, max_size=20))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_bytes_are_the_same_bytes(server: Server, values: list[bytes]) -> None:
    for kind in (types.raw(100), types.blob()):
        assert [bytes.fromhex(json.loads(text)) for text in told(server, kind, values)] == values


@given(st.integers(0, 9), st.lists(st.datetimes(), min_size=1, max_size=20))
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_time_is_the_same_time(server: Server, digits: int, values: list[datetime]) -> None:
    unit = 10 ** max(0, 6 - digits)
    kept = [value.replace(microsecond=value.microsecond // unit * unit) for value in values]
    found = told(server, types.timestamp(digits), kept)
    assert [datetime.fromisoformat(json.loads(text)) for text in found] == kept


_ZONES: Any = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_IN_RANGE: Any = {"min_value": datetime(1, 1, 3), "max_value": datetime(9999, 12, 29)}


@given(
    st.sampled_from([0, 3, 6, 9]),
    st.lists(st.datetimes(**_IN_RANGE, timezones=_ZONES), min_size=1, max_size=20),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_moment_with_a_zone_is_the_same_moment(server: Server, digits: int, values: list[datetime]) -> None:
    unit = 10 ** max(0, 6 - digits)
    kept = [value.replace(microsecond=value.microsecond // unit * unit) for value in values]
    for kind in (types.timestamp_tz(digits), types.timestamp_ltz(digits)):
        found = [json.loads(text) for text in told(server, kind, kept)]
        assert [datetime.fromisoformat(text) for text in found] == kept
        assert all(text.endswith("Z") for text in found)


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(10**17), 10**17),
            st.none() | floating(),
            st.none() | st.text("abc", min_size=1, max_size=3),
            st.none() | st.datetimes(),
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_rows_with_nulls_and_repeated_values_stay_apart(server: Server, rows: list[tuple[Any, ...]]) -> None:
    columns = {"I": types.number(18), "N": types.number(), "S": types.varchar2(9), "T": types.timestamp(6)}
    found = asyncio.run(records(server, columns, rows))
    parsed = [json.loads("{" + text + "}", parse_float=Decimal, parse_int=Decimal) for text in found]
    assert [(row["I"], row["N"], row["S"]) for row in parsed] == [row[:3] for row in rows]
    assert [row["T"] and datetime.fromisoformat(row["T"]) for row in parsed] == [row[3] for row in rows]
