"""``tracestream up`` and the commands that speak to it, all as real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance import local

ARGUMENTS = ("up", "--scale", "0.01")


class Up:
    """A running ``up``."""

    def __init__(self, data: Path, output: Path) -> None:
        self.data = data
        self.output = output
        self.process: subprocess.Popen[bytes] = local.start(ARGUMENTS, data, output)
        local.wait_for(lambda: "It runs" in output.read_text(), self.process, output)
        self.url = local.address(data)["url"]

    def run(self, command: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return local.run(command, *arguments, "--url", self.url, stdin=stdin)

    def submit(self, *arguments: str, count: int = 100) -> str:
        ids = local.run(
            "data", "ids", "--scale", "0.01", "--limit", str(count), "--data-dir", str(self.data)
        ).stdout
        answer = self.run("submit", *arguments, stdin=ids)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.decode().strip()

    def stop(self) -> None:
        children = local.descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(local.DEADLINE) == 0, self.output.read_text()
        local.wait_until_gone(children)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    started = Up(folder / "data", folder / "output")
    yield started
    started.stop()


def test_submit_and_tail(up: Up) -> None:
    job = up.submit("--domain", "history", "--domain", "materials", "--aggregation", "msd")
    answer = up.run("tail", job)
    assert answer.returncode == 0, answer.stderr
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert lines[0]["type"] == "meta"
    assert lines[0]["cid_count"] == 100
    assert [line["type"] for line in lines[-2:]] == ["aggregation", "complete"]


def test_submit_and_follow_is_the_same_as_submit_and_tail(up: Up) -> None:
    key = ["--domain", "history", "--idempotency-key", "the same"]
    ids = local.run("data", "ids", "--scale", "0.01", "--limit", "50", "--data-dir", str(up.data)).stdout
    followed = up.run("submit", *key, "--follow", stdin=ids)
    assert followed.returncode == 0, followed.stderr
    job = up.run("submit", *key, stdin=ids).stdout.decode().strip()
    assert up.run("tail", job).stdout == followed.stdout


def test_tail_from_an_offset_with_a_limit(up: Up) -> None:
    job = up.submit("--domain", "history", "--wait")
    whole = up.run("tail", job).stdout.splitlines()
    second = json.loads(whole[1])["offset"]
    assert up.run("tail", job, "--offset", str(second), "--limit", "1").stdout.splitlines() == [whole[1]]


def test_status_tells_of_one_job_and_of_all(up: Up) -> None:
    job = up.submit("--domain", "history", "--wait")
    assert json.loads(up.run("status", job, "--json").stdout)["status"] == "complete"
    assert b"status          complete" in up.run("status", job).stdout
    assert job.encode() in up.run("status").stdout


def test_a_refusal_is_a_sentence_and_exit_code_4(up: Up) -> None:
    answer = up.run("submit", "--domain", "nonsense", stdin=b"A\n")
    assert answer.returncode == 4
    assert answer.stdout == b""
    assert b"nonsense" in answer.stderr
    assert b"Traceback" not in answer.stderr


def test_a_deleted_job_is_gone(up: Up) -> None:
    job = up.submit("--domain", "history", "--wait")
    assert up.run("cancel", job).returncode == 0
    assert up.run("delete", job).returncode == 0
    assert up.run("tail", job).returncode == 4


def test_the_bootstrap_is_printed(up: Up) -> None:
    answer = local.run("kafka", "bootstrap", "--data-dir", str(up.data))
    assert answer.stdout.decode().strip() == local.address(up.data)["bootstrap"]


def test_a_second_up_on_the_same_folder_is_refused(up: Up, tmp_path: Path) -> None:
    second = local.start(ARGUMENTS, up.data, tmp_path / "output")
    assert second.wait(local.DEADLINE) == 1
    assert "in use" in (tmp_path / "output").read_text()


def test_what_is_killed_comes_back_and_the_job_goes_on(up: Up) -> None:
    """Every process but the broker is killed while a job is under way; the answer is whole all the same."""
    before = local.descendants(up.process.pid)
    job = up.submit("--domain", "history", "--domain", "materials", "--aggregation", "msd", count=1149)
    log = up.output.read_text()
    for name in ("worker-1", "processor", "gateway"):
        os.kill(int(log.split(f"{name} ")[-1].split(",")[0].split()[0]), signal.SIGKILL)
    answer = up.run("tail", job)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout.splitlines()[-1])["type"] == "complete"
    local.wait_for(lambda: len(local.descendants(up.process.pid)) >= len(before), up.process, up.output)


def test_jobs_survive_from_one_up_to_the_next(tmp_path: Path) -> None:
    first = Up(tmp_path / "data", tmp_path / "first")
    try:
        job = first.submit("--domain", "history", "--wait")
        answer = first.run("tail", job).stdout
        assert answer
    finally:
        first.stop()
    second = Up(tmp_path / "data", tmp_path / "second")
    try:
        assert second.run("tail", job).stdout == answer
    finally:
        second.stop()
