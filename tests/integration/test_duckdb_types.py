"""Each DuckDB type of the table of values, from the database to the text of the record."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import duckdb
import pytest

from catalogue.domain import parse_domain
from producers.encode import EncodeError, encode_records
from producers.sources.duckdb import DuckDBSource
from producers.sources.protocol import SourceFailed
from schemas.values import TYPES

VALUES = {
    "TINYINT": ("(-128)::TINYINT", "-128"),
    "SMALLINT": ("(-32768)::SMALLINT", "-32768"),
    "INTEGER": ("(-2147483648)::INTEGER", "-2147483648"),
    "BIGINT": ("9223372036854775807::BIGINT", "9223372036854775807"),
    "UTINYINT": ("255::UTINYINT", "255"),
    "USMALLINT": ("65535::USMALLINT", "65535"),
    "UINTEGER": ("4294967295::UINTEGER", "4294967295"),
    "UBIGINT": ("18446744073709551615::UBIGINT", "18446744073709551615"),
    "HUGEINT": (
        "-99999999999999999999999999999999999999::HUGEINT",
        "-99999999999999999999999999999999999999",
    ),
    "DECIMAL(p≤15,s)": ("1.5::DECIMAL(15, 3)", "1.500"),
    "DECIMAL(p>15,s)": (
        "1234567890123456789012345678.0123456789::DECIMAL(38, 10)",
        "1234567890123456789012345678.0123456789",
    ),
    "DOUBLE": ("0.1::DOUBLE", "0.1"),
    "FLOAT": ("0.1::FLOAT", "0.1"),
    "BOOLEAN": ("true", "true"),
    "VARCHAR": ("'膠\"\\' || chr(10)", '"膠\\"\\\\\\n"'),
    "ENUM": ("'ok'::ENUM('sad', 'ok')", '"ok"'),
    "UUID": ("'52163170-6a45-4201-ab6a-8ba3a1c34c2a'::UUID", '"52163170-6a45-4201-ab6a-8ba3a1c34c2a"'),
    "JSON": ("""'{"a": 1.0}'::JSON""", r'"{\"a\": 1.0}"'),
    "DATE": ("DATE '0001-01-01'", '"0001-01-01"'),
    "TIMESTAMP_S": ("TIMESTAMP_S '2026-01-31 23:59:59'", '"2026-01-31T23:59:59"'),
    "TIMESTAMP_MS": ("TIMESTAMP_MS '2026-01-31 23:59:59.5'", '"2026-01-31T23:59:59.500"'),
    "TIMESTAMP": ("TIMESTAMP '9999-12-31 23:59:59.999999'", '"9999-12-31T23:59:59.999999"'),
    "TIMESTAMP_NS": ("TIMESTAMP_NS '2026-01-31 23:59:59.123456789'", '"2026-01-31T23:59:59.123456789"'),
    "TIMESTAMP WITH TIME ZONE": ("TIMESTAMPTZ '2026-01-31 23:59:59.12+01'", '"2026-01-31T22:59:59.120Z"'),
    "TIME": ("TIME '23:59:59.000001'", '"23:59:59.000001"'),
    "BLOB": (r"'\x00\xFF'::BLOB", '"00ff"'),
}
NULLS = {"NaN": "'nan'::DOUBLE", "an infinity": "'-inf'::FLOAT", "NULL": "NULL::INTEGER"}
UNWRITABLE = {
    "a HUGEINT of 39 digits": "100000000000000000000000000000000000000::HUGEINT",
    "an infinite timestamp": "'infinity'::TIMESTAMP",
    "a date before Christ": "DATE '0044-03-15 (BC)'",
    "a timestamp of the year 10000": "TIMESTAMP '10000-01-01 00:00:00'",
}
UNKNOWN = (
    "UHUGEINT '1'",
    "INTERVAL 3 DAY",
    "[1]",
    "{'a': 1}",
    "'101'::BIT",
    "TIMETZ '12:00:00+01'",
    "NULL",
    "MAP {'a': 1}",
)


async def text_of(tmp_path: Path, expression: str) -> str:
    """What becomes of that SQL expression in a record."""
    path = tmp_path / "types.duckdb"
    with duckdb.connect(str(path)):
        pass
    asked = parse_domain(
        "types",
        f"SELECT 'a' AS ID, {expression} AS V WHERE 'a' IN ({{{{ids}}}})",
        'description = "x"\ncontainer_id = "ID"',
    )
    source = DuckDBSource(path)
    await source.open()
    try:
        await source.columns(asked)
        async with aclosing(source.fetch_events_iter(["a"], asked, 10)) as batches:
            records = [encode_records(batch).record(0).decode() async for batch in batches]
    finally:
        await source.close()
    assert len(records) == 1
    return records[0].removeprefix('{"ID":"a","V":').removesuffix("}")


def test_every_type_of_the_table_is_tried() -> None:
    assert set(VALUES) == {name for rule in TYPES for name in rule.duckdb}


@pytest.mark.parametrize("kind", VALUES)
async def test_a_value_is_written_with_all_it_holds(tmp_path: Path, kind: str) -> None:
    expression, text = VALUES[kind]
    assert await text_of(tmp_path, expression) == text


@pytest.mark.parametrize("kind", NULLS)
async def test_what_json_does_not_have_is_null(tmp_path: Path, kind: str) -> None:
    assert await text_of(tmp_path, NULLS[kind]) == "null"


@pytest.mark.parametrize("kind", UNWRITABLE)
async def test_a_value_that_would_be_written_wrongly_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(EncodeError, match="Column V"):
        await text_of(tmp_path, UNWRITABLE[kind])


@pytest.mark.parametrize("expression", UNKNOWN)
async def test_a_type_without_a_rule_is_refused_before_a_row_is_read(tmp_path: Path, expression: str) -> None:
    with pytest.raises(SourceFailed, match="column V has the type"):
        await text_of(tmp_path, expression)
