"""``tracestream demo`` as a user runs it: small, whole, and interrupted at every stage."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance import local

SCALE = ("--scale", "0.01")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for the module: the second run must make nothing anew."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "output"


def test_the_demo_checks_everything_and_ends_with_0(data: Path, output: Path) -> None:
    process = local.start(["demo", "--once", *SCALE], data, output)
    assert process.wait(local.DEADLINE) == 0, output.read_text()
    text = output.read_text()
    assert "Traceback" not in text
    assert "WRONG" not in text
    assert "\x1b" not in text
    assert "All counts agree." in text
    for check in (
        "history: 1,150 records streamed, 1,150 rows by SQL",
        "live and replay are the same, byte for byte",
        "msd: totals over",
        "every row once",
    ):
        assert check in text, text
    peaks = dict(re.findall(r"^   (\S+)[^\n]*?\s(\d+) MB$", text, re.MULTILINE))
    assert {"broker", "worker-1", "processor", "gateway", "this"} <= set(peaks)
    assert all(int(peak) > 10 for peak in peaks.values())


def test_a_second_run_makes_nothing_anew(data: Path, output: Path) -> None:
    files = {path: path.stat().st_mtime_ns for path in data.glob("*.duckdb")}
    assert files
    process = local.start(["demo", "--once", *SCALE], data, output)
    assert process.wait(local.DEADLINE) == 0, output.read_text()
    assert {path: path.stat().st_mtime_ns for path in data.glob("*.duckdb")} == files
    assert not list(data.glob("runs/*/kafka"))


def test_it_stays_up_until_ctrl_c_and_leaves_no_process(data: Path, output: Path) -> None:
    process = local.start(["demo", *SCALE], data, output)
    local.wait_for(lambda: "runs on until Ctrl-C" in output.read_text(), process, output)
    children = local.descendants(process.pid)
    assert len(children) >= 4
    url = re.search(r"curl -s (http://\S+)/api/trace/job/(\S+)", output.read_text())
    assert url
    answer = local.run("status", url[2], "--url", url[1])
    assert b"complete" in answer.stdout, answer.stderr
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(local.DEADLINE) == 0, output.read_text()
    assert time.monotonic() - begun < 12
    local.wait_until_gone(children)


@pytest.mark.parametrize("delay", [0.3, 1.0, 2.0, 3.0, 4.0, 5.0, 6.5, 8.0])
def test_ctrl_c_while_starting_leaves_no_process(data: Path, output: Path, delay: float) -> None:
    process = local.start(["demo", *SCALE], data, output)
    time.sleep(delay)
    children = local.descendants(process.pid)
    process.send_signal(signal.SIGINT)
    status = process.wait(local.DEADLINE)
    text = output.read_text()
    # A Python that is interrupted before our first line has run aborts, or tells where its import was, and says so itself.
    if status == -signal.SIGABRT:
        assert text.startswith("Fatal Python error")
    elif "from tracestream.cli import main" not in text:
        assert status in (0, 130, -signal.SIGINT)
        assert "Traceback" not in text
    local.wait_until_gone(children)


def test_a_reader_that_goes_away_stops_everything_without_a_trace(data: Path, output: Path) -> None:
    command = f'"{sys.executable}" -P -m tracestream demo --scale 0.01 --data-dir "{data}" | head -n 8'
    pipe = ["bash", "-c", f'{command}; echo "exit ${{PIPESTATUS[0]}}"']
    answer = subprocess.run(pipe, capture_output=True, timeout=local.DEADLINE, check=True)
    assert answer.stderr == b""
    assert answer.stdout.endswith(b"\nexit 141\n")
    assert not list(data.glob("runs/*/kafka"))


def test_kill_9_leaves_no_process(data: Path, output: Path) -> None:
    process = local.start(["demo", *SCALE], data, output)
    local.wait_for(lambda: len(local.descendants(process.pid)) >= 4, process, output)
    children = local.descendants(process.pid)
    process.kill()
    process.wait()
    local.wait_until_gone(children)
