"""Small multiples as an SVG: rows of panels, each with lines over time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

Line = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT, _GAP, _LEFT, _TOP = 210, 120, 34, 112, 56
_COLOURS = ("#2563eb", "#16a34a", "#dc2626", "#9333ea")


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines by name; the axes begin at 0."""

    title: str
    lines: Mapping[str, Line]


def small_multiples(
    rows: Mapping[str, Sequence[Panel]], names: Sequence[str], unit: str, highest: float
) -> str:
    """The drawing. All panels share the vertical axis, up to ``highest`` in ``unit``; the colours are those of ``names``."""
    columns = max(len(panels) for panels in rows.values())
    width = _LEFT + columns * (_WIDTH + _GAP)
    height = _TOP + len(rows) * (_HEIGHT + _GAP + 14)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, name in enumerate(names):
        x = _LEFT + number * 220
        parts.append(f'<rect x="{x}" y="10" width="14" height="4" fill="{_COLOURS[number]}"/>')
        parts.append(f'<text x="{x + 20}" y="16">{escape(name)}</text>')
    for row, (title, panels) in enumerate(rows.items()):
        y = _TOP + row * (_HEIGHT + _GAP + 14)
        parts.append(f'<text x="6" y="{y + _HEIGHT / 2}" font-weight="bold">{escape(title)}</text>')
        for column, panel in enumerate(panels):
            parts += _panel(panel, _LEFT + column * (_WIDTH + _GAP), y, names, unit, highest)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, x: float, y: float, names: Sequence[str], unit: str, highest: float) -> list[str]:
    longest = max((line[-1][0] for line in panel.lines.values() if line), default=1.0) or 1.0
    parts = [
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#cbd5e1"/>',
        f'<text x="{x - 4}" y="{y + 9}" text-anchor="end" fill="#64748b">{highest:g}</text>',
        f'<text x="{x - 4}" y="{y + _HEIGHT}" text-anchor="end" fill="#64748b">0 {escape(unit)}</text>',
        f'<text x="{x + _WIDTH}" y="{y + _HEIGHT + 13}" text-anchor="end" fill="#64748b">{longest:.0f} s</text>',
    ]
    parts.append(f'<text x="{x}" y="{y - 5}">{escape(panel.title)}</text>')
    for name, line in panel.lines.items():
        points = " ".join(
            f"{x + at / longest * _WIDTH:.1f},{y + _HEIGHT - min(value, highest) / highest * _HEIGHT:.1f}"
            for at, value in line
        )
        colour = _COLOURS[names.index(name)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return parts
