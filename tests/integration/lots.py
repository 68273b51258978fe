"""Fifty lots in a database, and the domain that reads them: ten a chunk."""

from __future__ import annotations

from pathlib import Path

import duckdb

from catalogue.domain import parse_domain

IDS = [f"C{number}" for number in range(50)]
LOTS = parse_domain(
    "lots",
    "SELECT CONTAINERID, N FROM LOTS WHERE CONTAINERID IN ({{ids}}) ORDER BY N",
    'description = "a test"\ncontainer_id = "CONTAINERID"\nchunk_size = 10\n',
)
CATALOGUE = {"lots": LOTS}


def make_lots(path: Path) -> Path:
    """A DuckDB file with one row a lot."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"CREATE TABLE LOTS AS SELECT 'C' || i AS CONTAINERID, i AS N FROM range({len(IDS)}) t(i)"
        )
    return path
