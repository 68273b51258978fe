"""The demo data: a plant's MES tables in a DuckDB file, the same for everyone who makes them with the same numbers.

Every value is a pure function of the seed and the row's number (``tracestream/mes/*.sql``), so a file can be made in
slices, and two machines make the same rows. The reference set has 114,892 containers; ``DemoData().scaled(0.01)`` is a
small one for tests. What the tables hold on purpose: integers beyond 2**53, decimals of scale 3 to 10, doubles of all
magnitudes, fractions of a second of 0, 3 and 6 digits, NULLs, texts with quotes, backslashes, line ends and many scripts;
containers without any row; rework; material rows whose container ID is NULL; loss reasons with a Pareto distribution;
and ``TRACKINQTY = TRACKOUTQTY + DEFECTQTY`` for every pass that has ended.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

SQL_FOLDER = Path(__file__).parent / "mes"

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all) after each slice."""


@dataclass(frozen=True, slots=True)
class DemoData:
    """All numbers of the demo data. The defaults are the reference set."""

    containers: int = 114_892
    history_rows: int = 115_000
    material_rows: int = 60_000
    unconfirmed_every: int = 2_000
    """Every so many material rows one has no container ID."""
    first_day: datetime = datetime(2026, 1, 1)
    """In the plant's local time, as its tables have it."""
    days: int = 90
    """The containers start evenly over so many days."""
    seed: int = 20_260_101
    slice_rows: int = 10_240
    row_group_rows: int = 10_240

    def scaled(self, scale: float) -> DemoData:
        """The same plant with ``scale`` times the containers and rows, at least one of each."""
        if scale <= 0:
            raise ValueError(f"the scale must be above 0, not {scale}")
        return replace(
            self,
            containers=max(1, round(self.containers * scale)),
            history_rows=max(1, round(self.history_rows * scale)),
            material_rows=max(1, round(self.material_rows * scale)),
        )

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return self.containers + self.history_rows + self.material_rows


def generate(path: Path, data: DemoData | None = None, progress: Progress | None = None) -> None:
    """Write the tables into a new DuckDB file at ``path``, replacing one that is there; blocks for seconds.

    The file appears under its name only when it is whole.
    """
    data = data or DemoData()
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with duckdb.connect(":memory:", config={"threads": 2, "preserve_insertion_order": True}) as connection:
        # Small row groups: each IN-list reads the table again, and does so by vectors of a group.
        connection.execute(f"ATTACH '{_quoted(unfinished)}' AS plant (ROW_GROUP_SIZE {data.row_group_rows})")
        connection.execute("USE plant")
        _prepare(connection, data)
        done = 0
        for table, rows in _tables(data):
            statement = (SQL_FOLDER / f"{table}.sql").read_text(encoding="utf-8")
            for first in range(0, rows, data.slice_rows):
                last = min(first + data.slice_rows, rows)
                connection.execute(statement, _parameters(statement, data, first, last))
                done += last - first
                if progress is not None:
                    progress(done, data.rows)
        connection.execute("USE memory")
        connection.execute("DETACH plant")
    os.replace(unfinished, path)  # noqa: PTH105 - the atomic replacement, also on Windows


def container_ids(path: Path, limit: int | None = None) -> Iterator[str]:
    """The container IDs of a file made by :func:`generate`, in the order in which the containers started."""
    with duckdb.connect(str(path), read_only=True) as connection:
        statement = "SELECT CONTAINERID FROM MES_CONTAINERS ORDER BY rowid"
        if limit is not None:
            statement += f" LIMIT {int(limit)}"
        for batch in connection.sql(statement).to_arrow_reader(10_000):
            yield from batch.column(0).to_pylist()


def write_container_ids(path: Path, destination: Path, limit: int | None = None) -> int:
    """Write the IDs one a line as UTF-8; answers how many."""
    count = 0
    with destination.open("w", encoding="utf-8", newline="\n") as lines:
        for container_id in container_ids(path, limit):
            lines.write(container_id + "\n")
            count += 1
    return count


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _tables(data: DemoData) -> tuple[tuple[str, int], ...]:
    return (
        ("containers", data.containers),
        ("history", data.history_rows),
        ("materials", data.material_rows),
    )


def _prepare(connection: duckdb.DuckDBPyConnection, data: DemoData) -> None:
    connection.execute((SQL_FOLDER / "tables.sql").read_text(encoding="utf-8"))
    between = timedelta(days=data.days) // data.containers
    connection.execute("SET VARIABLE seed = $1::BIGINT", [data.seed])
    connection.execute("SET VARIABLE first_day = $1::TIMESTAMP", [data.first_day])
    connection.execute(
        "SET VARIABLE microseconds_between = $1::BIGINT", [between // timedelta(microseconds=1)]
    )
    connection.execute((SQL_FOLDER / "macros.sql").read_text(encoding="utf-8"))


def _parameters(statement: str, data: DemoData, first: int, last: int) -> dict[str, int]:
    numbers = {
        "first": first,
        "last": last,
        "containers": data.containers,
        "rows": data.material_rows,
        "unconfirmed_every": data.unconfirmed_every,
    }
    return {name: number for name, number in numbers.items() if f"${name}" in statement}
