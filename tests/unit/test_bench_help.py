"""Whoever asks a measurement what it does must not start it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
PROGRAMS = [
    file.stem
    for file in sorted(BENCH.glob("*.py"))
    if (ast.get_docstring(ast.parse(file.read_text())) or "").startswith("``python -m bench")
]


def test_the_programs_are_found() -> None:
    assert {"__main__", "backpressure", "oracle", "oracle_binds"} <= set(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_measurement_says_what_it_does_when_it_is_asked(program: str) -> None:
    module = "bench" if program == "__main__" else f"bench.{program}"
    told = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=BENCH.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert told.startswith(f"usage: python -m {module} ")
