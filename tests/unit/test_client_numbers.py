"""What becomes of numbers: floats, Decimals, or the text of those that a double can't hold."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestream_client import parsing
from tracestream_client.messages import MessageReader, RecordReader, parse_page
from tracestream_client.parsing import Exact

START = (
    b'{"offset":1,"type":"domain_start","domain":"d","batch":1,"total_batches":null,"total_chunks":1,"columns":['
    b'{"name":"ID","type":"BIGINT","json":"number","exact_as_double":false},'
    b'{"name":"AMOUNT","type":"DECIMAL(38,10)","json":"number","exact_as_double":false},'
    b'{"name":"N","type":"INTEGER","json":"number","exact_as_double":true},'
    b'{"name":"X","type":"DOUBLE","json":"number","exact_as_double":true},'
    b'{"name":"T","type":"VARCHAR","json":"string"}]}\n'
)
ROW = b'{"ID":9223372036854775807,"AMOUNT":-12345678901234567890.1234567890,"N":7,"X":1.5e-3,"T":"1.10"}'
AMOUNT = "-12345678901234567890.1234567890"


def records(row: bytes) -> bytes:
    return b'{"offset":2,"type":"records","domain":"d","batch":1,"data":[' + row + b"]}\n"


def read(exact: Exact, *lines: bytes) -> dict[str, Any]:
    """The last message."""
    reader = MessageReader(exact)
    return [reader.message(line, line.split(b'"')[5].decode()) for line in lines][-1]


@pytest.mark.parametrize(
    ("exact", "wanted"),
    [
        (None, {"ID": 2**63 - 1, "AMOUNT": float(AMOUNT), "N": 7, "X": 0.0015, "T": "1.10"}),
        (Decimal, {"ID": 2**63 - 1, "AMOUNT": Decimal(AMOUNT), "N": 7, "X": Decimal("0.0015"), "T": "1.10"}),
        (str, {"ID": "9223372036854775807", "AMOUNT": AMOUNT, "N": 7, "X": 0.0015, "T": "1.10"}),
    ],
    ids=str,
)
def test_a_record_has_its_numbers_as_asked(exact: Exact, wanted: dict[str, Any]) -> None:
    message = read(exact, START, records(ROW))
    assert message == {"offset": 2, "type": "records", "domain": "d", "batch": 1, "data": [wanted]}
    assert [type(value) for value in message["data"][0].values()] == [type(v) for v in wanted.values()]
    assert (type(message["offset"]), type(message["batch"])) == (int, int)


def test_without_the_columns_every_number_is_text() -> None:
    (row,) = read(str, records(ROW))["data"]
    assert row == {"ID": "9223372036854775807", "AMOUNT": AMOUNT, "N": "7", "X": "1.5e-3", "T": "1.10"}


def test_columns_that_are_told_are_as_good_as_those_that_were_read() -> None:
    columns = json.loads(START)["columns"]
    (row,) = MessageReader(str, {"d": columns}).message(records(ROW), "records")["data"]
    assert row == read(str, START, records(ROW))["data"][0]


@pytest.mark.parametrize("exact", [None, Decimal, str], ids=str)
def test_null_stays_none(exact: Exact) -> None:
    row = b'{"ID":null,"AMOUNT":null,"N":null,"X":null,"T":null}'
    assert read(exact, START, records(row))["data"] == [dict.fromkeys(("ID", "AMOUNT", "N", "X", "T"))]


def test_an_aggregation_has_text_only_where_a_double_would_change_the_number() -> None:
    line = (
        b'{"offset":9,"type":"aggregation","name":"msd","data":'
        b'{"n":12,"rate":0.000123,"name":"5","sum":12345678901234567890.5,"by":[{"big":9007199254740993,"ok":9007199254740992}]}}\n'
    )
    message = read(str, line)
    assert message["offset"] == 9
    assert message["data"] == {
        "n": 12,
        "rate": 0.000123,
        "name": "5",
        "sum": "12345678901234567890.5",
        "by": [{"big": "9007199254740993", "ok": 9007199254740992}],
    }
    assert type(message["data"]["sum"]) is str
    assert read(Decimal, line)["data"]["sum"] == Decimal("12345678901234567890.5")


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_digit_is_lost(number: Decimal) -> None:
    text = format(number, "f")
    row = b'{"ID":1,"AMOUNT":%b,"N":1,"X":1,"T":""}' % text.encode()
    (row_of_text,) = read(str, START, records(row))["data"]
    assert row_of_text["AMOUNT"] == text
    (row_of_decimal,) = read(Decimal, START, records(row))["data"]
    assert str(row_of_decimal["AMOUNT"]) == str(Decimal(text)) or row_of_decimal["AMOUNT"] == int(text)


def test_a_page_has_its_own_numbers_as_numbers() -> None:
    page = parse_page(
        b'{"domain":"d","offset":3,"limit":2,"total":null,"status":"running","data":[' + ROW + b"]}", str
    )
    assert (page["offset"], page["limit"], page["total"]) == (3, 2, None)
    assert page["data"][0]["AMOUNT"] == AMOUNT


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="exact is 'decimal'"):
        MessageReader("decimal")  # type: ignore[arg-type]


@pytest.mark.parametrize("domain", ["a", 'q"\\é'])
def test_records_of_another_domain_are_passed_over_unparsed(domain: str) -> None:
    reader = RecordReader(domain)
    other = b'{"offset":2,"type":"records","domain":"other","batch":1,"data":[not even JSON]}\n'
    assert reader.read(other, "records") == ()
    for name in (json.dumps(domain), json.dumps(domain, ensure_ascii=False)):
        own = '{"offset":3,"type":"records","domain":%s,"batch":1,"data":[{"A":1}]}\n' % name  # noqa: UP031
        assert reader.read(own.encode(), "records") == [{"A": 1}]


def test_a_number_beyond_every_double_stays_a_text() -> None:
    line = b'{"offset":9,"type":"aggregation","name":"x","data":{"n":1%b,"f":1e999}}\n' % (b"0" * 400)
    assert read(str, line)["data"] == {"n": "1" + "0" * 400, "f": "1e999"}


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(ANY_JSON.map(lambda value: json.dumps(value).encode()) | NUMBERS.map(str.encode))
def test_msgspec_and_the_standard_library_give_the_same(text: bytes) -> None:
    for exact, loads in ((None, parsing.PLAIN), (Decimal, parsing.DECIMALS)):
        found, wanted = parsing.loads_of(exact)(text), loads(text)
        assert repr(found) == repr(wanted)


@pytest.mark.parametrize("text", [b'"\\ud800"', b"1e999", b"NaN", b"\xff", b"{", b""])
def test_what_msgspec_refuses_the_standard_library_decides(text: bytes) -> None:
    outcomes = []
    for loads in (parsing.loads_of(None), parsing.PLAIN):
        try:
            outcomes.append(repr(loads(text)))
        except ValueError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


def test_without_msgspec_the_standard_library_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "msgspec", None)
    assert parsing.loads_of(None) is parsing.PLAIN
    assert read(Decimal, START, records(ROW))["data"][0]["AMOUNT"] == Decimal(AMOUNT)
