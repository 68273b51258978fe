"""Values in are values out: what is put into a table comes out of the real driver, value for value."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import oracledb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import ORACLE_23, Moment, OracleServer, Table, serving, types
from tests.oracle.conftest import RELEASES, connect
from tests.oracle.numbers import NumberOutOfRangeError, decode_number, encode_number
from tests.oracle.strategies import CASES, characters, numbers
from tests.oracle.types import OracleType

Wire = tuple[OracleServer, oracledb.Connection]


@pytest.fixture(scope="module", params=RELEASES)
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """One session for all examples."""
    with serving(release=request.param) as server, connect(server) as connection:
        yield server, connection


def read(wire: Wire, kind: OracleType, values: list[Any], array: int = 7) -> list[Any]:
    """What the driver reads of a column with these values."""
    server, connection = wire
    server.data.tables.put("T", Table.of({"A": kind}, [(value,) for value in values]))
    with connection.cursor() as cursor:
        cursor.prefetchrows = cursor.arraysize = array
        cursor.execute("SELECT A FROM T", fetch_decimals=True, fetch_lobs=True)
        rows = [value for (value,) in cursor]
    return [value.read() if isinstance(value, oracledb.LOB) else value for value in rows]


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_put_in_comes_out(wire: Wire, name: str, data: st.DataObject) -> None:
    case = CASES[name]
    values = data.draw(st.lists(case.values | st.none(), max_size=20))
    found = read(wire, case.type, values)
    assert found == [None if value is None else case.arrives(value) for value in values]
    assert [type(value) for value in found] == [
        type(None if value is None else case.arrives(value)) for value in values
    ]


@given(values=st.lists(st.tuples(numbers, st.text(characters)), max_size=30), array=st.integers(1, 9))
@settings(max_examples=30)
def test_rows_survive_any_cut_into_round_trips(
    wire: Wire, values: list[tuple[Decimal, str]], array: int
) -> None:
    server, connection = wire
    columns = {"N": types.number(), "V": types.varchar2(), "W": types.nvarchar2()}
    rows = [(number, text, text) for number, text in values]
    server.data.tables.put("T", Table.of(columns, rows))
    with connection.cursor() as cursor:
        cursor.prefetchrows, cursor.arraysize = array - 1, array
        found = cursor.execute("SELECT N, V, W FROM T", fetch_decimals=True).fetchall()
    assert found == [(number, text or None, text or None) for number, text, _ in rows]


def test_numbers_keep_every_digit_without_decimals_where_they_are_whole(wire: Wire) -> None:
    server, connection = wire
    values = [2**53 + 1, -(10**38) + 1, 0, 10**37]
    server.data.tables.put("T", Table.of({"A": types.number(38)}, [(value,) for value in values]))
    assert connection.cursor().execute("SELECT A FROM T").fetchall() == [(value,) for value in values]


@pytest.mark.parametrize(
    "text", ("1E-130", "-1E-130", "9.99E125", "-9.99E125", "0.1", "-0.01", "100", "1E125")
)
def test_numbers_at_the_ends_of_the_range(wire: Wire, text: str) -> None:
    assert read(wire, types.number(), [Decimal(text)]) == [Decimal(text)]


@pytest.mark.parametrize("text", ("1E126", "1E-132", "1" * 41, "NaN", "Infinity"))
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(NumberOutOfRangeError):
        encode_number(Decimal(text))


@given(numbers)
def test_numbers_are_read_back_as_they_were_written(value: Decimal) -> None:
    assert decode_number(encode_number(value)) == value


@given(st.lists(numbers, min_size=2))
def test_numbers_are_ordered_like_their_bytes(values: list[Decimal]) -> None:
    """As in Oracle, whose indexes compare bytes: a check of the encoding that the driver has no part in."""
    assert sorted(values) == sorted(values, key=encode_number)


def test_doubles_that_are_no_numbers(wire: Wire) -> None:
    nan, infinity, minus = read(wire, types.binary_double(), [math.nan, math.inf, -math.inf])
    assert math.isnan(nan)
    assert (infinity, minus) == (math.inf, -math.inf)


def test_dates_before_the_calendars_reform(wire: Wire) -> None:
    values = [
        datetime.datetime(1, 1, 1),
        datetime.datetime(1582, 10, 10),
        datetime.datetime(9999, 12, 31, 23, 59),
    ]
    assert read(wire, types.date(), values) == values


def test_dates_before_christ_are_beyond_python(wire: Wire) -> None:
    with pytest.raises(ValueError, match="year"):
        read(wire, types.date(), [Moment(-44, 3, 15)])


def test_a_zone_is_applied_and_dropped(wire: Wire) -> None:
    """The driver's own doing, which is why the source reads such columns in UTC."""
    zone = datetime.timezone(datetime.timedelta(hours=-5, minutes=-30))
    at = datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, tzinfo=zone)
    assert read(wire, types.timestamp_tz(), [at]) == [at.replace(tzinfo=None)]


def test_an_interval_of_months(wire: Wire) -> None:
    values = [0, 14, -14, 119999]
    found = read(wire, types.interval_ym(), values)
    assert [interval.years * 12 + interval.months for interval in found] == values


def test_texts_of_any_length_come_in_chunks(wire: Wire) -> None:
    values = ["ä" * size for size in (1, 126, 127, 8000, 16383, 16384, 40000)]
    assert read(wire, types.varchar2(), values) == values
    assert read(wire, types.nvarchar2(), values) == values


def test_binds_of_every_type_arrive(wire: Wire) -> None:
    server, connection = wire
    values = {
        "V": "text ä€𝄞",
        "N": Decimal("-12345678901234567890.0123456789"),
        "I": 2**70,
        "D": 1.5e-300,
        "T": datetime.datetime(2024, 1, 2, 3, 4, 5, 678901),
        "R": b"\0\1\2",
    }
    kinds = {
        "V": types.varchar2(),
        "N": types.number(),
        "I": types.number(),
        "D": types.binary_double(),
        "T": types.timestamp(),
        "R": types.raw(),
    }
    # By itself the driver binds a float as a NUMBER and a time as a DATE.
    sizes = {"D": oracledb.DB_TYPE_BINARY_DOUBLE, "T": oracledb.DB_TYPE_TIMESTAMP}
    server.data.tables.put("T", Table.of(kinds, [tuple(values.values())]))
    with connection.cursor() as cursor:
        for name, value in values.items():
            if name in sizes:
                cursor.setinputsizes(x=sizes[name])
            cursor.execute(f"SELECT V FROM T WHERE {name} = :x", x=value)
            assert cursor.fetchall() == [(values["V"],)], name
            cursor.execute(f"SELECT V FROM T WHERE {name} = :x", x=None)
            assert cursor.fetchall() == [], name


def test_long_binds_stand_behind_the_others() -> None:
    with serving(release=ORACLE_23) as server, connect(server) as connection:
        assert server.data.duck is not None
        server.data.duck.execute("CREATE TABLE T (A VARCHAR, B INTEGER, C VARCHAR)")
        with connection.cursor() as cursor:
            row = ["x" * 50_000, 1, "ä" * 30_000]
            cursor.execute("INSERT INTO T (A, B, C) VALUES (:1, :2, :3)", row)
            assert cursor.execute("SELECT A, B, C FROM T").fetchall() == [tuple(row)]
