"""``tracestream oracle check`` against the loopback server, which answers the questions about the database as a test says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.oracle import ORACLE_19, types
from tests.oracle.server import OracleServer, serving
from tests.oracle.tables import Table

TEXT = types.varchar2(200)
SQL = "SELECT t.CONTAINERID, t.N FROM LOTS {{as_of}} t WHERE t.CONTAINERID IN ({{ids}})"
PLAN = ["| Id | Operation", "|  1 |  INDEX RANGE SCAN | LOTS_CONTAINER"]


def answer(server: OracleServer, pattern: str, *rows: tuple[object, ...]) -> None:
    columns = {f"C{number}": TEXT for number in range(len(rows[0]))}
    server.data.answer(pattern, Table.of(columns, rows))


@pytest.fixture
def server() -> Iterator[OracleServer]:
    with serving(password="tiger-s3cret") as running:
        columns = {"CONTAINERID": types.varchar2(20), "N": types.number()}
        running.data.tables.put("LOTS", Table.of(columns, [(f"C{n}", Decimal(n)) for n in range(30)]))
        answer(running, "SYS_CONTEXT", ("TRACE", "MES", "PLANT", "free"))
        answer(running, "SESSION_PRIVS", ("CREATE SESSION",))
        answer(running, "USER_TAB_PRIVS_RECD", ("LOTS", "SELECT"), ("LOTS", "FLASHBACK"))
        answer(running, "NLS_DATABASE_PARAMETERS", ("NLS_CHARACTERSET", "AL32UTF8"))
        answer(running, "undo_retention", ("900",))
        answer(running, "DBMS_XPLAN", *[(line,) for line in PLAN])
        yield running


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    (tmp_path / "lots.sql").write_text(SQL)
    (tmp_path / "lots.toml").write_text('description = "lots"\ncontainer_id = "CONTAINERID"\n')
    return tmp_path


def check(server: OracleServer, catalogue: Path, *arguments: str, **env: str) -> tuple[int, str]:
    """The exit code, and what was printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "tracestream", "oracle", "check", *arguments],
        env={
            "TRACE_ORACLE_DSN": server.dsn,
            "TRACE_ORACLE_USER": server.user,
            "TRACE_ORACLE_PASSWORD": server.password,
            "TRACE_CATALOGUE": str(catalogue),
            **env,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = ran.stdout + ran.stderr
    assert "Traceback" not in told
    assert server.password not in told
    return ran.returncode, told


def test_a_database_that_answers_as_it_must_is_all_ok(
    server: OracleServer, catalogue: Path, tmp_path: Path
) -> None:
    ids = tmp_path / "ids"
    ids.write_text("".join(f"C{n}\n" for n in range(20)))
    code, told = check(server, catalogue, "--ids", str(ids), "--verbose")
    assert code == 0
    for expected in (
        "19.",
        "TRACE, schema MES, database PLANT, service free",
        "1 of the system, 2 on objects",
        "FLASHBACK on LOTS",
        "NLS_CHARACTERSET AL32UTF8",
        "UNDO_RETENTION 900 s",
        "ok      flashback              SCN ",
        "N NUMBER",
        "no table is read whole",
        PLAN[1],
        "20 IDs, 20 rows",
    ):
        assert expected in told
    assert "failed" not in told
    assert told.splitlines()[-1] == "Everything that a job needs works."


def test_a_plan_that_reads_a_whole_table_is_noted_and_shown(server: OracleServer, catalogue: Path) -> None:
    answer(server, "DBMS_XPLAN", ("|  1 |  TABLE ACCESS FULL| LOTS",))
    code, told = check(server, catalogue)
    assert code == 0
    assert "note    lots: plan             reads a whole table" in told
    assert "|  1 |  TABLE ACCESS FULL| LOTS" in told


def test_what_a_job_needs_and_does_not_work_is_named_and_the_rest_is_still_looked_at(
    server: OracleServer, catalogue: Path
) -> None:
    server.faults.fail(904, "invalid identifier", statement="DBMS_FLASHBACK", times=9)
    server.faults.fail(942, statement="FROM LOTS", call="execute", times=9)
    code, told = check(server, catalogue)
    assert code == 1
    assert "failed  flashback              Oracle: ORA-00904" in told
    assert "grant SELECT on it" in told
    assert "ok      NLS" in told
    assert "Failed: flashback, " in told.splitlines()[-1]


def test_what_an_account_may_not_ask_is_only_noted(server: OracleServer, catalogue: Path) -> None:
    server.faults.fail(942, statement="PARAMETER|PRIVS|SYS_CONTEXT", times=9)
    code, told = check(server, catalogue)
    assert code == 0
    assert "note    NLS" in told
    assert "note    undo" in told


def test_without_flashback_it_says_what_that_means(server: OracleServer, catalogue: Path) -> None:
    code, told = check(server, catalogue, TRACE_ORACLE_FLASHBACK="false")
    assert code == 0
    assert "read at different times" in told


def test_a_database_that_cannot_be_reached_has_an_exit_code_of_its_own(
    server: OracleServer, catalogue: Path
) -> None:
    server.faults.refuse(12514)
    code, told = check(server, catalogue)
    assert code == 3
    assert "failed  connection             Oracle: ORA-12514" in told
    code, told = check(server, catalogue, TRACE_ORACLE_PASSWORD="wr0ng-one")
    assert code == 3
    assert "wr0ng-one" not in told


def test_a_password_inside_the_address_is_refused_and_not_repeated(
    server: OracleServer, catalogue: Path
) -> None:
    code, told = check(server, catalogue, TRACE_ORACLE_DSN=f"trace/h1dden@{server.dsn}")
    assert code == 2
    assert "TRACE_ORACLE_PASSWORD" in told
    assert "h1dden" not in told


def test_a_missing_address_is_a_setting_to_correct(server: OracleServer, catalogue: Path) -> None:
    code, told = check(server, catalogue, TRACE_ORACLE_DSN="")
    assert code == 2
    assert told == "tracestream: TRACE_ORACLE_DSN is empty. Say where Oracle is, as host:1521/service.\n"


LONG = "\nchunk_size = 3000\n"


def test_a_chunk_of_thousands_is_explained_and_timed_as_a_job_would_read_it(
    server: OracleServer, catalogue: Path, tmp_path: Path
) -> None:
    settings = catalogue / "lots.toml"
    settings.write_text(settings.read_text() + LONG)
    ids = tmp_path / "ids"
    ids.write_text("".join(f"C{n}\n" for n in range(20)))
    explained = server.faults.delay(0.01, call="execute", statement="EXPLAIN PLAN.*JSON_TABLE")
    read = server.faults.delay(0.01, call="execute", statement="^SELECT.*AS OF SCN.*JSON_TABLE")
    code, told = check(server, catalogue, "--ids", str(ids))
    assert code == 0
    assert explained.struck
    assert read.struck
    assert "20 IDs (repeated up to 3,000), 20 rows" in told


def test_a_database_without_json_is_told_for_a_chunk_of_thousands_only(
    catalogue: Path,
) -> None:
    old = replace(ORACLE_19, version=(12, 1, 0, 1, 0))
    with serving(release=old) as server:
        columns = {"CONTAINERID": types.varchar2(20), "N": types.number()}
        server.data.tables.put("LOTS", Table.of(columns, [("C1", Decimal(1))]))
        assert "ok      version                12.1.0.1.0" in check(server, catalogue)[1]
        settings = catalogue / "lots.toml"
        settings.write_text(settings.read_text() + LONG)
        code, told = check(server, catalogue)
        assert code == 1
        assert (
            "failed  version                12.1.0.1.0: chunk_size above 1,000 (lots) needs 12.1.0.2" in told
        )


def test_a_file_without_ids_is_refused(server: OracleServer, catalogue: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    assert check(server, catalogue, "--ids", str(empty))[0] == 2
    assert check(server, catalogue, "--ids", str(tmp_path / "absent"))[0] == 2


def test_thick_mode_without_its_libraries_says_what_is_missing(server: OracleServer, catalogue: Path) -> None:
    code, told = check(server, catalogue, TRACE_ORACLE_THICK="true")
    assert code == 3
    assert "DPI-1047" in told
    assert "TRACE_ORACLE_THICK=false" in told
