"""The table of types, and the page that shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.values import REFUSED, Column, Database, JsonForm, UnsupportedType, column, refused_table, table

ORACLE, DUCKDB = Database.ORACLE, Database.DUCKDB


@pytest.mark.parametrize(
    ("database", "kind", "json", "exact"),
    [
        (ORACLE, "NUMBER(15,2)", JsonForm.NUMBER, True),
        (ORACLE, "NUMBER(16)", JsonForm.NUMBER, False),
        (ORACLE, "NUMBER", JsonForm.NUMBER, False),
        (ORACLE, "FLOAT(126)", JsonForm.NUMBER, False),
        (ORACLE, "BINARY_DOUBLE", JsonForm.NUMBER, True),
        (ORACLE, "DATE", JsonForm.TIMESTAMP, None),
        (ORACLE, "TIMESTAMP(6) WITH TIME ZONE", JsonForm.TIMESTAMP_WITH_ZONE, None),
        (ORACLE, "VARCHAR2(40)", JsonForm.STRING, None),
        (ORACLE, "RAW(16)", JsonForm.HEX, None),
        (DUCKDB, "DECIMAL(15,3)", JsonForm.NUMBER, True),
        (DUCKDB, "DECIMAL(38,10)", JsonForm.NUMBER, False),
        (DUCKDB, "INTEGER", JsonForm.NUMBER, True),
        (DUCKDB, "BIGINT", JsonForm.NUMBER, False),
        (DUCKDB, "HUGEINT", JsonForm.NUMBER, False),
        (DUCKDB, "DOUBLE", JsonForm.NUMBER, True),
        (DUCKDB, "DATE", JsonForm.DATE, None),
        (DUCKDB, "TIMESTAMP", JsonForm.TIMESTAMP, None),
        (DUCKDB, "ENUM('a', 'b')", JsonForm.STRING, None),
    ],
)
def test_a_type_has_a_form_and_says_whether_a_double_holds_it(
    database: Database, kind: str, json: JsonForm, exact: bool | None
) -> None:
    assert column("X", database, kind) == Column("X", kind, json, exact)


@pytest.mark.parametrize(
    ("database", "kind"),
    [
        (ORACLE, "INTERVAL DAY TO SECOND"),
        (ORACLE, "BFILE"),
        (ORACLE, "JSON"),
        (ORACLE, "BIGINT"),
        (DUCKDB, "UHUGEINT"),
        (DUCKDB, "TIME WITH TIME ZONE"),
        (DUCKDB, "INTEGER[]"),
        (DUCKDB, "STRUCT(a INTEGER)"),
        (DUCKDB, "DECIMAL(4,2)[]"),
        (DUCKDB, "INTERVAL"),
        (DUCKDB, "BIT"),
        (DUCKDB, ""),
    ],
)
def test_a_type_without_a_rule_is_refused_by_name(database: Database, kind: str) -> None:
    with pytest.raises(UnsupportedType, match="column X"):
        column("X", database, kind)


def test_only_numbers_say_whether_a_double_holds_them() -> None:
    assert column("N", DUCKDB, "BIGINT").document() == {
        "name": "N",
        "type": "BIGINT",
        "json": "number",
        "exact_as_double": False,
    }
    assert column("S", DUCKDB, "VARCHAR").document() == {"name": "S", "type": "VARCHAR", "json": "string"}


def test_the_documented_table_is_this_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "values.md"
    assert table() in page.read_text(encoding="utf-8")
    assert refused_table() in page.read_text(encoding="utf-8")


def test_a_type_without_a_rule_is_refused_and_the_message_says_what_to_write() -> None:
    for kind, instead in REFUSED[Database.ORACLE].items():
        with pytest.raises(UnsupportedType, match=re.escape(instead)):
            column("X", Database.ORACLE, kind)
