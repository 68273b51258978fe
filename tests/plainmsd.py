"""``msd`` as anyone would write it who has all records in memory: the reference for the fold.

Records are dicts with Decimals; sums are fractions. Slow, and obviously what docs/aggregations.md says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

Record = dict[str, Any]


def plain_msd(history: Sequence[Record], materials: Sequence[Record]) -> dict[str, Any]:
    """The result of ``msd``, its numbers as Fractions and integers."""
    totals = _figures(history, history)
    by = {
        "work_centre": _groups(history, lambda record: record["WORKCENTERNAME"]),
        "equipment": _groups(history, lambda record: record["EQUIPMENTNAME"]),
        "loss_reason": _groups(history, lambda record: record["LOSSREASONNAME"]),
        "day": _groups(history, lambda record: record["MFGDATE"] and record["MFGDATE"][:10]),
    }
    takers: dict[str | None, set[str]] = defaultdict(set)
    for record in materials:
        takers[record["MATERIALLOTNAME"]].add(record["CONTAINERID"])
    lots = {
        lot: [record for record in history if record["CONTAINERID"] in taken] for lot, taken in takers.items()
    }
    by["material_lot"] = {lot: records for lot, records in lots.items() if records}
    return {"totals": totals, "by": {name: _listed(name, groups, history) for name, groups in by.items()}}


def _groups(history: Iterable[Record], key: Any) -> dict[str | None, list[Record]]:
    groups: dict[str | None, list[Record]] = defaultdict(list)
    for record in history:
        groups[key(record)].append(record)
    return groups


def _listed(name: str, groups: dict[str | None, list[Record]], history: Sequence[Record]) -> dict[str, Any]:
    entries = [{"name": group, **_figures(records, history)} for group, records in groups.items()]
    if name == "day":
        entries.sort(key=lambda entry: (entry["name"] is None, entry["name"] or ""))
        return {"groups": len(entries), "top": entries[-400:]}
    entries.sort(
        key=lambda entry: (
            -entry["defect_qty"],
            -entry["input_qty"],
            entry["name"] is None,
            entry["name"] or "",
        )
    )
    return {"groups": len(entries), "top": entries[:50]}


def _figures(records: Sequence[Record], history: Sequence[Record]) -> dict[str, Any]:
    entered, left, defect = (_sum(records, name) for name in ("TRACKINQTY", "TRACKOUTQTY", "DEFECTQTY"))
    return {
        "passes": len(records),
        "containers": len({record["CONTAINERID"] for record in records}),
        "input_qty": entered,
        "output_qty": left,
        "defect_qty": defect,
        "defect_rate": _rounded(defect, entered),
        "defect_share": _rounded(defect, _sum(history, "DEFECTQTY")),
    }


def _sum(records: Sequence[Record], name: str) -> Fraction:
    return sum((Fraction(record[name]) for record in records if record[name] is not None), Fraction())


def _rounded(part: Fraction, whole: Fraction) -> Fraction | None:
    return round(part / whole, 6) if whole else None


def as_fractions(found: Any) -> Any:
    """A result as it was read (integers and Decimals) in the numbers of :func:`plain_msd`."""
    if isinstance(found, dict):
        return {name: as_fractions(value) for name, value in found.items()}
    if isinstance(found, list):
        return [as_fractions(value) for value in found]
    return Fraction(found) if isinstance(found, Decimal) else found
