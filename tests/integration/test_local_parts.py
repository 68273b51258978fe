"""Folders with their locks, the choice of a port, the plain output: parts of ``up`` and ``demo``."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from tracestream import folders
from tracestream.data_command import ensure
from tracestream.exits import CommandError
from tracestream.ports import Ports, is_free
from tracestream.show import PlainShow, Show, TerminalShow, amount


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_is_taken_is_not_free() -> None:
    with listening() as port:
        assert not is_free(port)
    assert is_free(port)


def test_a_wish_for_a_taken_port_is_refused_with_advice() -> None:
    with listening() as port, pytest.raises(CommandError, match="--port"):
        Ports().take(port)


def test_without_a_wish_the_next_free_port_is_taken() -> None:
    ports = Ports()
    with listening() as port:
        assert port < ports.take_from(port) < port + 100
    ports.close()


@pytest.mark.skipif(sys.platform != "linux", reason="claims are abstract sockets of Linux")
def test_a_port_that_another_has_chosen_is_not_chosen_again() -> None:
    first, second = Ports(), Ports()
    port = first.take_from(23_000)
    assert second.take_from(port) > port
    first.close()
    assert second.take(port) == port
    second.close()


def test_a_folder_serves_one_process_at_a_time(tmp_path: Path) -> None:
    with folders.locked(tmp_path / "lock"):
        lock = str(tmp_path / "lock")
        script = f"from pathlib import Path\nfrom tracestream import folders\nwith folders.locked(Path({lock!r})): pass"
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "is in use by another tracestream" in other.stderr
    with folders.locked(tmp_path / "lock"):
        pass


def test_a_run_clears_what_killed_runs_left_but_not_what_lives(tmp_path: Path) -> None:
    killed = tmp_path / "runs" / "demo-20260101-000000-1"
    (killed / "kafka").mkdir(parents=True)
    with folders.run_folder(tmp_path, "alive") as alive:
        (alive / "kafka").mkdir()
        with folders.run_folder(tmp_path, "second") as second:
            (second / "kafka").mkdir()
            assert (alive / "kafka").exists()
            assert not (killed / "kafka").exists()
        assert not (second / "kafka").exists()
        assert second.exists()


def test_only_the_newest_runs_are_kept(tmp_path: Path) -> None:
    for number in range(9):
        folder = tmp_path / "runs" / f"demo-2026010{number}-000000-{number}"
        folder.mkdir(parents=True)
        os.utime(folder, (number, number))
    with folders.run_folder(tmp_path, "new"):
        pass
    kept = sorted(path.name for path in (tmp_path / "runs").iterdir() if path.name.startswith("demo"))
    assert [name[5:13] for name in kept] == [f"2026010{number}" for number in range(4, 9)]


def test_the_demo_data_are_made_once(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = ensure(tmp_path, 0.001, lambda done, total: told.append((done, total)))
    first = path.stat().st_mtime_ns
    assert told[-1][0] == told[-1][1]
    assert ensure(tmp_path, 0.001, lambda *_: told.append((0, 0))) == path
    assert path.stat().st_mtime_ns == first
    assert (0, 0) not in told


def test_demo_data_of_other_numbers_are_made_anew(tmp_path: Path) -> None:
    path = ensure(tmp_path, 0.001, lambda *_: None)
    recipe = path.with_suffix(".json")
    recipe.write_text(json.dumps({"seed": 1}))
    first = path.stat().st_mtime_ns
    ensure(tmp_path, 0.001, lambda *_: None)
    assert path.stat().st_mtime_ns != first


def test_amounts_are_for_people() -> None:
    assert amount(1234567, "records") == "1,234,567 records"
    assert amount(12_345_678, "bytes") == "12.3 MB"
    assert amount(1_234_567_890, "bytes") == "1.23 GB"


def _say_everything(show: Show) -> None:
    show.title("Title", ["one [not markup]", "two"])
    show.heading("Heading")
    bar = show.bar("things", "records", 10)
    bar.update(5)
    show.line("in between", good=True)
    bar.update(10, 10, "note")
    bar.finish()
    bar.finish()
    show.line("wrong", good=False)
    show.table("Table", ("name", "value"), [("a", "1"), ("bb", "22")])
    show.panel("Panel", ["curl -s http://x/[id]"])
    show.close()


def test_plain_output_has_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    _say_everything(PlainShow())
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "\r" not in text
    for each in (
        "one [not markup]",
        "things: 10 records",
        "ok in between",
        "WRONG wrong",
        "bb",
        "http://x/[id]",
    ):
        assert each in text


def test_terminal_output_shows_the_same() -> None:
    file = io.StringIO()
    _say_everything(TerminalShow(Console(file=file, force_terminal=True, width=100, highlight=False)))
    text = file.getvalue()
    for each in ("one [not markup]", "things", "10 records", "in between", "wrong", "bb", "http://x/[id]"):
        assert each in text
