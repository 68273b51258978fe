"""The pool of sessions, with sessions that do nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from producers.sources import oracle_pool
from producers.sources.oracle_pool import SessionPool
from producers.sources.oracle_session import Session
from producers.sources.protocol import SourceUnavailable


@dataclass
class Idle:
    """A session as far as the pool sees it."""

    clean: bool = True
    lives: bool = True
    pings: int = 0
    closed: bool = False
    allowed: list[float] = field(default_factory=list)

    def allow(self, seconds: float) -> None:
        self.allowed.append(seconds)

    async def ping(self) -> None:
        self.pings += 1
        if not self.lives:
            raise ConnectionResetError

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed = True


class Plant:
    def __init__(self) -> None:
        self.made: list[Idle] = []
        self.fails = 0

    async def connect(self) -> Session:
        await asyncio.sleep(0)
        if self.fails:
            self.fails -= 1
            raise ConnectionRefusedError
        self.made.append(Idle())
        return cast(Session, self.made[-1])

    def pool(self, size: int = 2, wait_seconds: float = 30.0, connect_seconds: float = 30.0) -> SessionPool:
        return SessionPool(self.connect, size, wait_seconds=wait_seconds, connect_seconds=connect_seconds)


async def use(pool: SessionPool) -> Any:
    async with pool.session(call_seconds=5) as session:
        await asyncio.sleep(0)
        return session


async def test_a_session_is_used_again() -> None:
    plant = Plant()
    pool = plant.pool()
    assert await use(pool) is await use(pool)
    assert plant.made[0].allowed == [5, 5]
    await pool.close()
    assert plant.made[0].closed


async def test_no_more_sessions_are_made_than_the_pool_is_large() -> None:
    plant = Plant()
    pool = plant.pool(size=3)
    await asyncio.gather(*(use(pool) for _ in range(50)))
    assert len(plant.made) == 3


async def test_whoever_finds_none_free_waits_for_a_bounded_time() -> None:
    pool = Plant().pool(size=1, wait_seconds=0.01)
    async with pool.session(call_seconds=5):
        with pytest.raises(SourceUnavailable, match="TRACE_SOURCE_CONNECTIONS") as caught:
            await use(pool)
    assert caught.value.code == "busy"
    assert await use(pool)


async def test_a_session_that_is_not_clean_is_closed_and_its_place_is_free() -> None:
    plant = Plant()
    pool = plant.pool(size=1)
    (await use(pool)).clean = False
    async with pool.session(call_seconds=5) as session:
        cast(Idle, session).clean = False
    await use(pool)
    await pool.close()
    assert [each.closed for each in plant.made] == [True, True, True]


async def test_a_session_that_lay_idle_is_asked_whether_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle_pool, "_TRUSTED_SECONDS", -1)
    plant = Plant()
    pool = plant.pool()
    await use(pool)
    plant.made[0].lives = False
    assert await use(pool) is plant.made[1]
    assert (plant.made[0].pings, plant.made[1].pings) == (1, 0)
    await pool.close()
    assert plant.made[0].closed


async def test_a_failed_connect_and_a_cancelled_wait_give_their_place_back() -> None:
    plant = Plant()
    plant.fails = 3
    pool = plant.pool(size=1)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            await use(pool)
    async with pool.session(call_seconds=5):
        waiting = asyncio.create_task(use(pool))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting})
    assert await use(pool)


async def test_a_session_in_use_when_the_pool_closes_is_closed_when_it_comes_back() -> None:
    plant = Plant()
    pool = plant.pool()
    async with pool.session(call_seconds=5):
        await pool.close()
        assert not plant.made[0].closed
    await pool.close()
    assert plant.made[0].closed


async def test_a_connect_that_takes_too_long_is_given_up() -> None:
    async def never() -> Session:
        await asyncio.Event().wait()
        raise AssertionError

    pool = SessionPool(never, 1, wait_seconds=30, connect_seconds=0.01)
    with pytest.raises(TimeoutError):
        await use(pool)
