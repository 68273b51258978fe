"""The jars of the embedded broker come once, are proven, and are never loaded again."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from broker import jars
from broker.embedded import EmbeddedKafka
from broker.errors import EmbeddedBrokerError

SMALL = "kafka-tools-api"


@pytest.fixture(scope="module")
def full() -> Path:
    """The user's cache, filled."""
    return jars.class_path()[0].parent


@pytest.fixture
def cache(full: Path, tmp_path: Path) -> Path:
    """A full cache of the test's own."""
    folder = tmp_path / full.name
    folder.mkdir()
    for jar in full.glob("*.jar"):
        shutil.copy(jar, folder)
    return tmp_path


def refuse(*_: object) -> None:
    raise AssertionError("something was loaded")


def test_a_full_cache_is_used_as_it_is(cache: Path) -> None:
    paths = jars.class_path(cache, refuse, abandoned=lambda: True)
    assert [path.name for path in paths] == [jar.filename for jar in jars.read_lock()]


def test_what_is_missing_or_cut_off_is_loaded_and_counted(cache: Path) -> None:
    (small,) = (path for path in jars.class_path(cache) if path.name.startswith(SMALL))
    whole = small.read_bytes()
    small.unlink()
    small.write_bytes(whole[:100])
    heard: list[tuple[int, int, int, int | None]] = []
    jars.class_path(cache, lambda *counts: heard.append(counts))
    assert small.read_bytes() == whole
    locked = jars.read_lock()
    total = sum(jar.size for jar in locked)
    assert heard[-1] == (len(locked), len(locked), total, total)
    assert heard[0][:2] == (len(locked) - 1, len(locked))
    assert not list(small.parent.glob(".loading-*"))


def test_a_jar_that_is_not_the_locked_one_never_enters_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [replace(jar, sha256="0" * 64) if jar.name == SMALL else jar for jar in jars.read_lock()]
    (small,) = (path for path in jars.class_path(cache) if path.name.startswith(SMALL))
    small.unlink()
    monkeypatch.setattr(jars, "read_lock", lambda: wrong)
    with pytest.raises(EmbeddedBrokerError, match="SHA-256"):
        jars.class_path(cache)
    assert not small.exists()


async def test_a_cancelled_start_gives_up_loading(tmp_path: Path) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    broker = EmbeddedKafka(
        tmp_path / "data", cache=tmp_path / "cache", progress=lambda *_: loop.call_soon_threadsafe(begun.set)
    )
    start = asyncio.create_task(broker.start())
    await begun.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    deadline = time.monotonic() + 60
    while list(tmp_path.glob("cache/*/.loading-*")):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert len(list(tmp_path.glob("cache/*/*.jar"))) < len(jars.read_lock())
