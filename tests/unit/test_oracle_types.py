"""How Oracle's types are read exactly, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pytest

from producers.encode import encode_records
from producers.sources.oracle_arrow import finished
from producers.sources.oracle_types import Reading, Wrap, reading, wrapped
from producers.sources.protocol import SourceFailed
from schemas.values import JsonForm, UnsupportedType


@dataclass(frozen=True)
class Info:
    """A column as the driver describes it."""

    type_name: str
    precision: int | None = None
    scale: int | None = None
    size: int | None = None
    name: str = "X"


DECISIONS = [
    (Info("NUMBER", 9, 0), "NUMBER(9)", Wrap.NONE),
    (Info("NUMBER", 18, 4), "NUMBER(18,4)", Wrap.NONE),
    (Info("NUMBER", 38, 10), "NUMBER(38,10)", Wrap.NONE),
    (Info("NUMBER", None, None), "NUMBER", Wrap.NUMBER),
    (Info("NUMBER", 0, -127), "NUMBER", Wrap.NUMBER),
    (Info("NUMBER", 126, -127), "FLOAT(126)", Wrap.NUMBER),
    (Info("NUMBER", 5, -2), "NUMBER(5,-2)", Wrap.NUMBER),
    (Info("NUMBER", 2, 5), "NUMBER(2,5)", Wrap.NUMBER),
    (Info("BINARY_DOUBLE"), "BINARY_DOUBLE", Wrap.NONE),
    (Info("VARCHAR", size=40), "VARCHAR2(40)", Wrap.NONE),
    (Info("DATE"), "DATE", Wrap.NONE),
    (Info("TIMESTAMP", 0, 6), "TIMESTAMP(6)", Wrap.NONE),
    (Info("TIMESTAMP", 0, 9), "TIMESTAMP(9)", Wrap.FINE),
    (Info("TIMESTAMP_TZ", 0, 6), "TIMESTAMP(6) WITH TIME ZONE", Wrap.UTC),
    (Info("TIMESTAMP_LTZ", 0, 3), "TIMESTAMP(3) WITH LOCAL TIME ZONE", Wrap.UTC),
    (Info("TIMESTAMP_TZ", 0, 9), "TIMESTAMP(9) WITH TIME ZONE", Wrap.FINE_UTC),
    (Info("RAW", size=16), "RAW(16)", Wrap.NONE),
    (Info("CLOB"), "CLOB", Wrap.LOB),
    (Info("NCLOB"), "NCLOB", Wrap.LOB),
    (Info("BLOB"), "BLOB", Wrap.LOB),
    (Info("LONG"), "LONG", Wrap.NONE),
    (Info("LONG_RAW"), "LONG RAW", Wrap.NONE),
    (Info("BOOLEAN"), "BOOLEAN", Wrap.NONE),
]


@pytest.mark.parametrize(("info", "database_type", "wrap"), DECISIONS, ids=str)
def test_each_type_is_read_in_a_way_that_keeps_its_digits(info: Info, database_type: str, wrap: Wrap) -> None:
    known = reading(info)
    assert (known.column.database_type, known.wrap) == (database_type, wrap)
    assert known.is_unbounded is ("LOB" in info.type_name or "LONG" in info.type_name)


@pytest.mark.parametrize(
    "kind", ["INTERVAL_DS", "INTERVAL_YM", "JSON", "VECTOR", "ROWID", "BFILE", "OBJECT", "XMLTYPE"]
)
def test_a_type_without_a_rule_is_refused(kind: str) -> None:
    with pytest.raises(UnsupportedType, match="column X"):
        reading(Info(kind))


def test_only_queries_with_a_column_that_needs_it_are_wrapped() -> None:
    plain, number = reading(Info("DATE", name="D")), reading(Info("NUMBER", name="N"))
    assert wrapped("SELECT 1", [plain], 10) == "SELECT 1"
    assert wrapped("SELECT 1 -- end", [plain, number], 10) == (
        """SELECT q."D" AS "D", TO_CHAR(q."N", 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''') AS "N" FROM (\nSELECT 1 -- end\n) q"""
    )


def batch_of(known: Reading, *values: object, kind: pa.DataType | None = None) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values, kind)], names=[known.column.name])


def json_of(known: Reading, *values: object, kind: pa.DataType | None = None) -> bytes:
    rows = encode_records(finished(batch_of(known, *values, kind=kind), [known], 10))
    return bytes(rows.data)


def test_a_number_without_precision_keeps_all_its_digits_and_is_a_json_number() -> None:
    texts = [".5", "-.5", "0", "12345678901234567890123456789012345678.9", "1.5E+100", ".1E-80", None]
    assert json_of(reading(Info("NUMBER")), *texts, kind=pa.string()) == (
        b'{"X":0.5},{"X":-0.5},{"X":0},{"X":12345678901234567890123456789012345678.9},{"X":1.5E+100},{"X":0.1E-80},{"X":null},'
    )


def test_a_moment_with_a_zone_is_told_in_utc() -> None:
    moment = pa.array([1_000_500], pa.int64()).view(pa.timestamp("us"))
    known = reading(Info("TIMESTAMP_TZ", 0, 6))
    batch = pa.RecordBatch.from_arrays([moment], names=["X"])
    assert bytes(encode_records(finished(batch, [known], 10)).data) == b'{"X":"1970-01-01T00:00:01.000500Z"},'
    assert known.column.json is JsonForm.TIMESTAMP_WITH_ZONE


def test_a_fine_fraction_has_as_many_digits_as_it_needs() -> None:
    texts = [
        f"2026-01-02T03:04:05.{digits}"
        for digits in ("000000000", "120000000", "123456000", "123456789", "000000010")
    ]
    assert json_of(reading(Info("TIMESTAMP", 0, 9)), *texts) == (
        b'{"X":"2026-01-02T03:04:05"},{"X":"2026-01-02T03:04:05.120"},{"X":"2026-01-02T03:04:05.123456"},'
        b'{"X":"2026-01-02T03:04:05.123456789"},{"X":"2026-01-02T03:04:05.000000010"},'
    )
    assert (
        json_of(reading(Info("TIMESTAMP_TZ", 0, 9)), texts[1], None)
        == b'{"X":"2026-01-02T03:04:05.120Z"},{"X":null},'
    )


def test_a_number_that_arrives_as_a_double_is_refused() -> None:
    with pytest.raises(SourceFailed, match="arrived as a double"):
        finished(batch_of(reading(Info("NUMBER", 38, 2)), 1.5), [reading(Info("NUMBER", 38, 2))], 10)


def test_a_decimal_passes_as_it_is() -> None:
    known = reading(Info("NUMBER", 38, 2))
    assert json_of(known, Decimal("1.50"), kind=pa.decimal128(38, 2)) == b'{"X":1.50},'


LOBS = [
    (
        reading(Info("CLOB")),
        pa.large_string(),
        ["x" * 10, None, None],
        b'{"X":"xxxxxxxxxx"},{"X":""},{"X":null},',
    ),
    (reading(Info("BLOB")), pa.large_binary(), [b"\0\xff", None, None], b'{"X":"00ff"},{"X":""},{"X":null},'),
]


def lob_batch(kind: pa.DataType, values: list[object], lengths: list[int | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(values, kind), pa.array(lengths, pa.decimal128(18, 0))], names=["X", "#1"]
    )


@pytest.mark.parametrize(("known", "kind", "values", "text"), LOBS, ids=lambda each: str(each)[:20])
def test_an_empty_lob_is_not_null_though_the_driver_tells_them_alike(
    known: Reading, kind: pa.DataType, values: list[object], text: bytes
) -> None:
    batch = finished(lob_batch(kind, values, [10, 0, None]), [known], 10)
    assert bytes(encode_records(batch).data) == text


def test_a_lob_above_the_limit_is_refused_by_column_without_having_been_sent() -> None:
    known = reading(Info("CLOB"))
    with pytest.raises(SourceFailed, match=r"column X \(CLOB\) is larger than 10 bytes.*TRACE_LOB_BYTES"):
        finished(lob_batch(pa.large_string(), [None], [11]), [known], 10)


def test_a_clob_within_the_limit_in_characters_and_above_it_in_bytes_is_refused() -> None:
    with pytest.raises(SourceFailed, match="larger than 10 bytes"):
        finished(lob_batch(pa.large_string(), ["膠" * 4], [4]), [reading(Info("CLOB"))], 10)


def test_the_lengths_of_lobs_stand_behind_the_columns() -> None:
    text = wrapped("SELECT 1", [reading(Info("CLOB", name="A")), reading(Info("DATE", name="D"))], 99)
    assert text == (
        'SELECT CASE WHEN DBMS_LOB.GETLENGTH(q."A") <= 99 THEN q."A" END AS "A", q."D" AS "D",'
        ' CAST(DBMS_LOB.GETLENGTH(q."A") AS NUMBER(18)) AS "#1" FROM (\nSELECT 1\n) q'
    )
