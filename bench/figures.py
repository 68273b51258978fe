"""What was measured, as numbers of several rounds, and what is required of them. Pure.

Rules: a figure has one value a round; a ratio is taken within each round and never between rounds, so that a machine that is
slow for a while is so for both sides. A requirement is judged by the median.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MET, MISSED = "met", "missed"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured: ``values`` in ``unit``, one a round. ``at_least`` and ``below`` are what is required, if anything."""

    group: str
    name: str
    unit: str
    values: tuple[float, ...]
    at_least: float | None = None
    below: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The first and the third; of a single value, itself."""
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third

    @property
    def required(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.below is None else f"< {self.below:g}"

    @property
    def verdict(self) -> str:
        """``met``, ``missed``, or empty where nothing is required."""
        if self.at_least is not None:
            return MET if self.median >= self.at_least else MISSED
        if self.below is not None:
            return MET if self.median < self.below else MISSED
        return ""

    def document(self) -> dict[str, Any]:
        """The figure as JSON."""
        first, third = self.quartiles
        return {
            "group": self.group,
            "name": self.name,
            "unit": self.unit,
            "median": _rounded(self.median),
            "quartiles": [_rounded(first), _rounded(third)],
            "range": [_rounded(min(self.values)), _rounded(max(self.values))],
            "required": self.required,
            "verdict": self.verdict,
            "values": [_rounded(value) for value in self.values],
        }


def ratio(
    group: str, name: str, above: Sequence[float], below: Sequence[float], *, at_least: float | None = None
) -> Figure:
    """``above`` by ``below`` of each round."""
    values = tuple(one / other for one, other in zip(above, below, strict=True))
    return Figure(group, name, "×", values, at_least=at_least)


def lowest(rates: Mapping[str, Sequence[float]]) -> list[float]:
    """The lowest rate of each round."""
    return [min(values) for values in zip(*rates.values(), strict=True)]


def shown(value: float) -> str:
    """Three significant digits, no exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
