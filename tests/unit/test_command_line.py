"""The command line: what parses, what is refused and with which exit code. Nothing here opens a socket that answers."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestream.arguments import parser
from tracestream.cli import main
from tracestream.exits import CommandError, Exit
from tracestream.submit import parse_ids

LINES = [
    "demo",
    "demo --once --scale 0.01 --port 9000",
    "up --workers 2",
    "submit ids.txt --domain history --domain materials --aggregation msd --wait",
    "status",
    "status JOB --json",
    "tail JOB --offset 3 --limit 2",
    "cancel A B",
    "delete A",
    "worker",
    "processor",
    "gateway",
    "kafka run --port 9092",
    "kafka download",
    "kafka bootstrap",
    "data make --scale 4",
    "data ids --limit 10",
    "data load --scale 0.1",
    "settings --markdown",
]


@pytest.mark.parametrize("text", LINES)
def test_every_command_names_a_function_that_exists(text: str) -> None:
    module, _, name = parser().parse_args(text.split()).command.partition(":")
    assert callable(getattr(import_module(f"tracestream.{module}"), name))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fly",
        "submit",
        "submit --domain a --wait --follow",
        "tail",
        "tail JOB --offset -1",
        "tail JOB --limit 0",
        "demo --scale 0",
        "demo --scale nan",
        "up --port 70000",
        "kafka",
        "data",
    ],
)
def test_a_line_that_makes_no_sense_exits_with_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(text.split())
    assert caught.value.code == Exit.USAGE
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", *sorted({line.split()[0] for line in LINES})])
def test_every_help_is_printed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*text.split(), "--help"])
    assert caught.value.code == 0
    assert len(capsys.readouterr().out) > 100


@pytest.mark.parametrize(
    ("group", "actions"),
    [
        ("data", ["make", "ids", "load"]),
        ("kafka", ["run", "download", "bootstrap"]),
        ("oracle", ["check"]),
    ],
)
def test_the_help_of_a_group_says_what_each_action_does(
    group: str, actions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([group, "--help"])
    text = capsys.readouterr().out
    assert all(re.search(rf"^ +{action}\s+[A-Z]\w+ ", text, re.MULTILINE) for action in actions)


def test_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"  {code.value:>3}  " in text for code in Exit)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom tracestream.arguments import parser\nparser().format_help()\n"
        "print([m for m in ('httpx', 'rich', 'aiokafka', 'duckdb', 'pyarrow', 'msgspec') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_nobody_at_the_address_is_unreachable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--url", "http://127.0.0.1:1", "--patience", "0.1"]) == Exit.UNREACHABLE
    assert "Nobody answers at http://127.0.0.1:1" in capsys.readouterr().err


def test_a_bad_url_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--url", "nonsense"]) == Exit.USAGE
    assert "nonsense" in capsys.readouterr().err


def test_a_bad_setting_is_a_usage_error(monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TRACE_LOG_JSON", "perhaps")
    assert main(["settings"]) == Exit.USAGE
    assert "TRACE_LOG_JSON" in capsys.readouterr().err


def test_a_slip_of_the_pen_is_warned_of(monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TRACE_TOPIC_PREFX", "x")
    assert main(["settings"]) == Exit.OK
    assert "Did you mean TRACE_TOPIC_PREFIX?" in capsys.readouterr().err


def test_a_secret_is_not_shown(monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TRACE_KAFKA_PASSWORD", "hunter2")
    assert main(["settings"]) == Exit.OK
    assert "hunter2" not in capsys.readouterr().out


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    assert main(["submit", str(tmp_path / "none"), "--domain", "history"]) == Exit.USAGE


def test_no_container_ids_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("\n\n")
    assert main(["submit", str(tmp_path / "ids"), "--domain", "history"]) == Exit.USAGE


ID = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(
    st.lists(ID.filter(lambda text: not text.lstrip().startswith("[") and text[0] != "\ufeff"), min_size=1)
)
def test_lines_are_taken_as_they_are(ids: list[str]) -> None:
    assert parse_ids("\n".join(ids).encode()) == ids
    assert parse_ids(("\r\n".join(ids) + "\r\n").encode()) == ids


def test_a_json_array_is_taken_as_it_is() -> None:
    assert parse_ids(b' ["A", " b ", "\\u00e9"]') == ["A", " b ", "é"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"A\nB\n\xff\n", "Line 3"), (b'["A", 1]', "index 1"), (b'["A"', "JSON array")],
)
def test_an_input_that_cannot_be_read_says_where(raw: bytes, message: str) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        parse_ids(raw)
    assert caught.value.code == Exit.USAGE
