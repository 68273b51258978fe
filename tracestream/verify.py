"""The same figures a second way: what an aggregation must find, asked of the tables with SQL.

It shares nothing with the fold but the definition (docs/aggregations.md): it reads the source and not the log, sums in the
database, and divides decimals. :func:`msd_by_sql` equals ``exact_json(result)`` of ``msd`` for the same container IDs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

_DIVISION = Context(prec=100)
_RATE = Decimal("0.000001")
_TOP = 50
_MOST_DAYS = 400

_FIGURES = """count(*), count(DISTINCT CONTAINERID), coalesce(sum(TRACKINQTY), 0), coalesce(sum(TRACKOUTQTY), 0),
    coalesce(sum(DEFECTQTY), 0)"""
_BY_DEFECTS = "ORDER BY 6 DESC, 4 DESC, 1 NULLS LAST"
_DIMENSIONS = {
    "work_centre": "WORKCENTERNAME",
    "equipment": "EQUIPMENTNAME",
    "loss_reason": "LOSSREASONNAME",
    "day": "strftime(MFGDATE, '%Y-%m-%d')",
}
_TOTALS = f"SELECT NULL, {_FIGURES} FROM passes"  # noqa: S608 - constants only
_LOTS = f"""
    SELECT MATERIALLOTNAME, {_FIGURES}
    FROM (SELECT DISTINCT MATERIALLOTNAME, CONTAINERID FROM MES_LOT_MATERIALS SEMI JOIN memory.asked USING (CONTAINERID))
    JOIN passes USING (CONTAINERID) GROUP BY 1 {_BY_DEFECTS}"""  # noqa: S608 - constants only

Row = tuple[Any, ...]


def msd_by_sql(database: Path, ids: Iterable[str]) -> dict[str, Any]:
    """``msd`` of these container IDs over a DuckDB file of the plant; numbers are integers and Decimals. Blocks."""
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.execute(f"ATTACH '{str(database).replace(chr(39), chr(39) * 2)}' AS plant (READ_ONLY)")
        connection.register("listed", pa.table({"CONTAINERID": pa.array(ids, pa.string())}))
        connection.execute("CREATE TABLE asked AS SELECT DISTINCT CONTAINERID FROM listed")
        connection.execute("USE plant")
        connection.execute(
            "CREATE TEMP VIEW passes AS SELECT * FROM MES_LOT_HISTORY SEMI JOIN memory.asked USING (CONTAINERID)"
        )
        totals = connection.execute(_TOTALS).fetchall()[0]
        lots = connection.execute(_LOTS).fetchall()
        lists = {name: _groups(connection, name, column) for name, column in _DIMENSIONS.items()}
    entries = {name: _listed(name, rows, totals) for name, rows in {**lists, "material_lot": lots}.items()}
    return {"totals": _figures(totals, totals), "by": entries}


def exact_json(text: bytes | str) -> Any:
    """A JSON text with its numbers as integers and Decimals, none through a double."""
    return json.loads(text, parse_float=Decimal)


def _groups(connection: duckdb.DuckDBPyConnection, name: str, column: str) -> list[Row]:
    order = "ORDER BY 1 NULLS LAST" if name == "day" else _BY_DEFECTS
    statement = f"SELECT {column}, {_FIGURES} FROM passes GROUP BY 1 {order}"  # noqa: S608 - constants only
    return connection.execute(statement).fetchall()


def _listed(name: str, rows: Sequence[Row], totals: Row) -> dict[str, Any]:
    shown = rows[-_MOST_DAYS:] if name == "day" else rows[:_TOP]
    return {"groups": len(rows), "top": [{"name": row[0], **_figures(row, totals)} for row in shown]}


def _figures(row: Row, totals: Row) -> dict[str, Any]:
    _, passes, containers, entered, left, defect = row
    return {
        "passes": passes,
        "containers": containers,
        "input_qty": entered,
        "output_qty": left,
        "defect_qty": defect,
        "defect_rate": _ratio(defect, entered),
        "defect_share": _ratio(defect, totals[5]),
    }


def _ratio(part: Any, whole: Any) -> Decimal | None:
    if not whole:
        return None
    return _DIVISION.divide(Decimal(part), Decimal(whole)).quantize(_RATE, ROUND_HALF_EVEN, _DIVISION)
