"""The Oracle source where no Oracle is: what can be seen of it with the real driver and no database."""

from __future__ import annotations

import socket
from contextlib import aclosing

import pytest

from catalogue.loader import load_catalogue
from producers.sources.open import open_source
from producers.sources.oracle import OracleSource
from producers.sources.protocol import SourceFailed, SourceUnavailable
from producers.sources.settings import SourceSettings


def settings(dsn: str) -> SourceSettings:
    return SourceSettings(
        source="oracle",
        oracle_dsn=dsn,
        oracle_user="trace",
        oracle_password="secret",
        oracle_connect_seconds=2.0,
    )


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_the_settings_name_the_source_and_hide_the_password() -> None:
    chosen = settings("127.0.0.1:1521/free")
    assert isinstance(open_source(chosen), OracleSource)
    assert "secret" not in repr(chosen)


async def test_a_database_that_is_down_is_told_as_retryable() -> None:
    source = open_source(settings(f"127.0.0.1:{free_port()}/free"))
    with pytest.raises(SourceUnavailable, match="TRACE_ORACLE_DSN") as caught:
        await source.open()
    assert caught.value.retryable
    await source.close()


async def test_a_dsn_that_makes_no_sense_is_not_retried() -> None:
    with pytest.raises(SourceFailed):
        await open_source(settings("(DESCRIPTION=")).open()


async def test_a_source_that_is_not_open_says_so() -> None:
    source = open_source(settings("127.0.0.1:1521/free"))
    domain = load_catalogue()["history"]
    with pytest.raises(SourceUnavailable, match="not open"):
        await source.columns(domain)
    with pytest.raises(SourceUnavailable, match="not open"):
        async with aclosing(source.fetch_events_iter(["a"], domain, 10)) as batches:
            await anext(batches)
    with pytest.raises(SourceUnavailable, match="not open"):
        await source.snapshot()
