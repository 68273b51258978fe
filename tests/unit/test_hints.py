"""Command lines that are printed for the person: what they name exists for who types them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tracestream import hints
from tracestream.arguments import parser


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "tracestream"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "demo"])
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("TRACE_DATA_DIR", str(tmp_path / "data"))
    return program


def test_a_program_that_path_does_not_lead_to_is_named_by_its_path(installed: Path) -> None:
    assert hints.program() == str(installed)


def test_a_program_that_path_leads_to_is_named_by_its_name(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(installed.parent))
    assert hints.program() == "tracestream"


def test_another_program_of_that_name_in_path_is_not_meant(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "tracestream"
    other.parent.mkdir()
    other.touch(0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    assert hints.program() == str(installed)


@pytest.mark.parametrize("scale", [1.0, 0.01])
@pytest.mark.parametrize("folder", ["data", "elsewhere"])
def test_the_ids_come_from_the_data_that_the_stack_reads(
    installed: Path, tmp_path: Path, scale: float, folder: str
) -> None:
    line = hints.ids(10, scale, tmp_path / folder)
    assert line.startswith(f"{installed} data ids")
    arguments = parser().parse_args(line.split()[1:])
    assert arguments.limit == 10
    assert arguments.scale == scale
    assert (arguments.data_dir or tmp_path / "data") == tmp_path / folder
