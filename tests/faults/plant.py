"""The data of the fault tests: one row a container, whose records tell their place, in a file that several workers may read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import msgspec

from tests.workers import kinds_of, records_of

DOMAIN = "lots"
CHUNK = 100
"""Containers of one chunk."""


def ids_of(first: int, count: int) -> list[str]:
    """The containers ``first``, ``first`` + 1, …; what they are called tells their place."""
    return [f"C{number:06d}" for number in range(first, first + count)]


def make_plant(folder: Path, containers: int = 10_000, padding: int = 500) -> Path:
    """``folder`` with the database ``plant.duckdb`` and a catalogue of the domain ``lots``."""
    with duckdb.connect(str(folder / "plant.duckdb")) as connection:
        connection.execute(
            f"""CREATE TABLE LOTS AS SELECT format('C{{:06d}}', i) AS CONTAINERID, i AS N,
            repeat(chr(97 + (i % 26)::INT), {padding}) AS A FROM range({containers}) t(i)"""
        )
    (folder / "lots.sql").write_text(
        "SELECT CONTAINERID, N, A FROM LOTS WHERE CONTAINERID IN ({{ids}}) ORDER BY N"
    )
    (folder / "lots.toml").write_text(
        f'description = "lots"\ncontainer_id = "CONTAINERID"\nchunk_size = {CHUNK}\n'
    )
    return folder


def assert_whole(lines: Sequence[bytes], ids: Sequence[str], end: str = "complete") -> None:
    """The log holds each container of ``ids`` once, in order, its messages count on without a gap, and ``end`` ends it."""
    assert [record["CONTAINERID"] for record in records_of(lines, DOMAIN)] == list(ids)
    kinds = kinds_of(lines)
    assert kinds[:2] == ["meta", "domain_start"]
    assert kinds[-2:] == ["domain_end", end]
    assert set(kinds[2:-2]) <= {"records"}
    batches = [msgspec.json.decode(line)["batch"] for line in lines[2:-2]]
    assert batches == list(range(1, len(batches) + 1))
