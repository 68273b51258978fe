"""Children of ``up`` and ``demo``, as real processes: readiness, restarts, the end in every way."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tracestream.processes import Processes, Program, StartFailed

REPOSITORY = Path(__file__).parents[2]
DEADLINE = 60.0

READY = "import os\nfrom tracestream.notify import ready\nready(os.environ)\n"
WAIT = READY + "import time\nwhile True: time.sleep(60)\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAIT


def program(name: str, script: str, **env: str) -> Program:
    return Program(name, (sys.executable, "-c", script), {"PYTHONPATH": str(REPOSITORY), **env})


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    made = Processes(tmp_path)
    yield made
    await made.stop()


async def test_a_program_that_says_so_is_ready(processes: Processes) -> None:
    await processes.start([program("a", WAIT), program("b", WAIT)])
    assert set(processes.pids()) == {"a", "b"}


async def test_a_program_that_ends_while_starting_is_told_with_its_log(processes: Processes) -> None:
    with pytest.raises(StartFailed, match="b ended while starting") as caught:
        await processes.start([program("a", WAIT), program("b", "import sys\nsys.exit('no licence')")])
    assert "| no licence" in str(caught.value)


async def test_a_program_that_never_says_so_is_late(processes: Processes) -> None:
    with pytest.raises(StartFailed, match="Not ready within 1 s: a"):
        await processes.start([program("a", "import time\ntime.sleep(60)")], deadline=1.0)


async def test_the_environment_is_passed_on(processes: Processes, tmp_path: Path) -> None:
    script = "import os\nprint(os.environ['TRACE_COLOUR'], flush=True)\n" + WAIT
    await processes.start([program("a", script, TRACE_COLOUR="green")])
    assert (tmp_path / "a.log").read_text() == "green\n"


async def test_what_died_is_started_again(tmp_path: Path) -> None:
    heard: list[str] = []
    processes = Processes(tmp_path, heard.append)
    await processes.start([program("a", WAIT)])
    try:
        first = processes.pids()["a"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: processes.pids().get("a", first) != first)
        assert heard == ["a was ended by signal 9; starting it again in 0.5 s."]
    finally:
        await processes.stop()
    assert processes.pids() == {}


async def test_stopping_ends_every_child(processes: Processes) -> None:
    await processes.start([program("a", WAIT), program("b", WAIT)])
    pids = processes.pids().values()
    await processes.stop()
    await processes.stop()
    assert not any(map(alive, pids))


async def test_a_child_that_will_not_end_is_killed(processes: Processes) -> None:
    await processes.start([program("a", STUBBORN)])
    (pid,) = processes.pids().values()
    await processes.stop(deadline=0.2)
    assert not alive(pid)


async def test_the_peak_memory_is_kept_beyond_a_restart(processes: Processes, tmp_path: Path) -> None:
    big = "import os\nbig = b'x' * 60_000_000 if not os.path.exists(os.environ['MARK']) else b''\n"
    big += "open(os.environ['MARK'], 'w').close()\n"
    await processes.start([program("a", big + WAIT, MARK=str(tmp_path / "mark"))])
    assert processes.peaks()["a"] > 60_000_000
    first = processes.pids()["a"]
    os.kill(first, signal.SIGKILL)
    await until(lambda: processes.pids().get("a", first) != first)
    assert processes.peaks()["a"] > 60_000_000


PARENT = """
import asyncio, sys
from pathlib import Path
from tracestream.processes import Processes, Program
from tracestream.signals import run

folder = Path(sys.argv[1])
processes = Processes(folder)

async def work():
    try:
        child = Program("child", (sys.executable, "-c", sys.argv[2]), {})
        await processes.start([child])
        (folder / "pid").write_text(str(processes.pids()["child"]))
        await asyncio.sleep(3600)
    finally:
        await processes.stop()
    return 0

sys.exit(run(work, processes.kill))
"""


def parent(folder: Path, child: str = WAIT) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), child], env=env, start_new_session=True
    )


def child_of(folder: Path) -> int:
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if (folder / "pid").exists() and (text := (folder / "pid").read_text()):
            return int(text)
        time.sleep(0.02)
    raise AssertionError("the child did not start")


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + DEADLINE
    while alive(pid):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="the tether is Linux's")
def test_kill_9_of_the_parent_leaves_no_orphan(tmp_path: Path) -> None:
    started = parent(tmp_path)
    child = child_of(tmp_path)
    started.kill()
    started.wait()
    wait_until_gone(child)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_parent_and_its_child(tmp_path: Path, number: signal.Signals) -> None:
    started = parent(tmp_path)
    child = child_of(tmp_path)
    started.send_signal(number)
    assert started.wait(DEADLINE) == 130
    assert not alive(child)


def test_a_second_signal_kills_a_child_that_will_not_end(tmp_path: Path) -> None:
    started = parent(tmp_path, STUBBORN)
    child = child_of(tmp_path)
    begun = time.monotonic()
    started.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert alive(child)
    started.send_signal(signal.SIGINT)
    assert started.wait(DEADLINE) == 130
    assert time.monotonic() - begun < 7
    assert not alive(child)


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.2, 0.3, 0.4, 0.6])
def test_a_signal_while_starting_leaves_nothing(tmp_path: Path, delay: float) -> None:
    """The child never becomes ready, so that the parent is in its start-up all the time; whoever it started writes its pid."""
    script = (
        f"import os, time\nopen({str(tmp_path / 'child')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    )
    started = parent(tmp_path, script)
    time.sleep(delay)
    started.send_signal(signal.SIGINT)
    started.wait(DEADLINE)
    if (tmp_path / "child").exists() and (text := (tmp_path / "child").read_text()):
        wait_until_gone(int(text))
