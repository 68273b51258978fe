"""A catalogue that does not hold together is refused with the file and what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalogue.domain import DUCKDB, ORACLE, ORACLE_WITHOUT_FLASHBACK, CatalogueError, parse_domain
from catalogue.loader import load_catalogue

SQL = "SELECT t.ID, t.N FROM T {{as_of}} t WHERE t.ID IN ({{ids}})"
TOML = 'description = "Rows"\ncontainer_id = "ID"\n'


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / name.replace("_sql", ".sql").replace("_toml", ".toml")).write_text(text, encoding="utf-8")
    return path


def test_the_packaged_catalogue_holds_together() -> None:
    catalogue = load_catalogue()
    assert list(catalogue) == ["history", "materials"]
    assert all(domain.description and domain.chunk_size == 1000 for domain in catalogue.values())


def test_a_domain_has_the_settings_of_its_toml(tmp_path: Path) -> None:
    settings = TOML + "chunk_size = 10\ntimeout_seconds = 2.5\n"
    domain = load_catalogue(folder(tmp_path, rows_sql=SQL, rows_toml=settings, README="")).get("rows")
    assert domain is not None
    assert (domain.name, domain.description, domain.container_column) == ("rows", "Rows", "ID")
    assert (domain.chunk_size, domain.timeout_seconds) == (10, 2.5)


def test_oracle_gets_named_binds_and_the_snapshot() -> None:
    rendered = parse_domain("rows", SQL, TOML).render(ORACLE, ["a", "b", "c"])
    assert rendered == "SELECT t.ID, t.N FROM T AS OF SCN :scn t WHERE t.ID IN (:c1, :c2, :c3)"


def test_without_flashback_the_snapshot_is_left_out() -> None:
    rendered = parse_domain("rows", SQL, TOML).render(ORACLE_WITHOUT_FLASHBACK, ["a"])
    assert rendered == "SELECT t.ID, t.N FROM T  t WHERE t.ID IN (:c1)"


def test_duckdb_gets_texts_in_which_a_quote_is_doubled() -> None:
    domain = parse_domain("rows", SQL, TOML)
    assert domain.render(DUCKDB, ["a", "it's", "\\"]).endswith("WHERE t.ID IN ('a', 'it''s', '\\')")
    assert domain.render(DUCKDB, []).endswith("WHERE t.ID IN (NULL)")


GOOD_SQL = {
    "casts": "SELECT t.ID, t.N::INT FROM T t WHERE ID IN ({{ids}})",
    "a comment with a semicolon": "-- first; then\nSELECT ID FROM T WHERE ID IN ( {{ids}} ) /* ; */",
    "a text with a semicolon and a bind": "SELECT ID, 'a;b :x ''' X FROM T WHERE ID in ({{ids}})",
    "Oracle's quoting": "SELECT ID, q'[it's; :x]' X, Q'!a';b!' Y FROM T WHERE ID IN ({{ids}})",
    "a quoted name": 'SELECT "a;b" FROM "T" {{as_of}} t WHERE ID IN ({{ids}})',
    "a WITH and two lists": "WITH x AS (SELECT ID FROM T WHERE ID IN ({{ids}})) SELECT 1 FROM x WHERE ID IN({{ids}})",
}


@pytest.mark.parametrize("case", GOOD_SQL)
def test_a_sound_query_is_taken(case: str) -> None:
    parse_domain("rows", GOOD_SQL[case], TOML)


BAD_SQL = {
    "begins with SELECT": "DELETE FROM T WHERE ID IN ({{ids}})",
    "semicolon": SQL + ";",
    "one statement": SQL + "; DROP TABLE T",
    "no {{ids}}": "SELECT ID FROM T",
    "unknown placeholder {{id}}": "SELECT ID FROM T WHERE ID IN ({{id}}) AND ID IN ({{ids}})",
    r"must stand as IN \(": "SELECT ID FROM T WHERE ID = {{ids}}",
    "alone in the parentheses": "SELECT ID FROM T WHERE ID IN ('x', {{ids}})",
    "behind a table's name": "SELECT ID FROM {{as_of}} T WHERE ID IN ({{ids}})",
    "not closed": "SELECT ID FROM T WHERE ID IN ({{ids}}) AND N = {{x",
    "bind of its own": "SELECT ID FROM T WHERE ID IN ({{ids}}) AND N = :n",
    r"own \(\$n\)": "SELECT ID FROM T WHERE ID IN ({{ids}}) AND N = $n",
    r"own \(\?\)": "SELECT ID FROM T WHERE ID IN ({{ids}}) AND N = ?",
    "inside a comment": SQL + " -- {{ids}}",
    "a text or a quoted name": "SELECT '{{ids}}' FROM T WHERE ID IN ({{ids}})",
}


@pytest.mark.parametrize("reason", BAD_SQL)
def test_an_unsound_query_is_refused_with_file_and_reason(tmp_path: Path, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason) as caught:
        load_catalogue(folder(tmp_path, rows_sql=BAD_SQL[reason], rows_toml=TOML))
    assert caught.value.file == str(tmp_path / "rows.sql")


BAD_TOML = {
    "not valid TOML": "description = ",
    "Cannot overwrite": TOML + 'description = "again"',
    "unknown setting 'colour'": TOML + "colour = 1",
    "description is missing": 'container_id = "ID"',
    "container_id is missing": 'description = "x"',
    "container_id must be a text": 'description = "x"\ncontainer_id = 3',
    "description must be a text that is not empty": 'description = " "\ncontainer_id = "ID"',
    "chunk_size is at most 10000": TOML + "chunk_size = 10001",
    "chunk_size must be a whole number above 0": TOML + "chunk_size = 0",
    "chunk_size must be a whole number": TOML + "chunk_size = 1.5",
    "timeout_seconds must be a number": TOML + 'timeout_seconds = "1"',
    "timeout_seconds must be a number above 0": TOML + "timeout_seconds = true",
}


@pytest.mark.parametrize("reason", BAD_TOML)
def test_an_unsound_setting_is_refused_with_file_and_reason(tmp_path: Path, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason) as caught:
        load_catalogue(folder(tmp_path, rows_sql=SQL, rows_toml=BAD_TOML[reason]))
    assert caught.value.file == str(tmp_path / "rows.toml")


def test_half_a_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"rows\.toml: missing, though there is a rows\.sql"):
        load_catalogue(folder(tmp_path, rows_sql=SQL))
    (tmp_path / "rows.sql").rename(tmp_path / "rows.toml")
    with pytest.raises(CatalogueError, match=r"rows\.sql: missing, though there is a rows\.toml"):
        load_catalogue(tmp_path)


@pytest.mark.parametrize("name", ["Rows", "1rows", "rows-2", "r" * 33, "rów"])
def test_a_name_that_no_header_or_path_should_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CatalogueError, match="a domain's name is"):
        load_catalogue(folder(tmp_path, **{f"{name}.sql": SQL, f"{name}.toml": TOML}))


def test_an_empty_or_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no domains"):
        load_catalogue(tmp_path)
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_catalogue(tmp_path / "absent")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    folder(tmp_path, rows_toml=TOML, rows_sql="")
    (tmp_path / "rows.sql").write_bytes(b"SELECT '\xff'")
    with pytest.raises(CatalogueError, match="not UTF-8"):
        load_catalogue(tmp_path)
