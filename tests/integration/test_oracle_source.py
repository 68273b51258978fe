"""The Oracle source where no Oracle is: what can be seen of it with the real driver and no database."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from catalogue.domain import parse_domain
from producers.sources.open import open_source
from producers.sources.oracle import OracleSource
from producers.sources.protocol import SourceFailed, SourceUnavailable
from producers.sources.settings import SourceSettings
from tests.oracle import Table, serving, types
from tests.oracle.certificates import certificates


def settings(dsn: str, connect_seconds: float = 60.0) -> SourceSettings:
    return SourceSettings(
        source="oracle",
        oracle_dsn=dsn,
        oracle_user="trace",
        oracle_password="secret",
        oracle_connect_seconds=connect_seconds,
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
    with pytest.raises(SourceFailed, match="TRACE_ORACLE_DSN"):
        await open_source(settings("(DESCRIPTION=")).open()


async def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(SourceFailed, match="carries a user or a password") as caught:
        await open_source(settings("scott/tiger@127.0.0.1:1521/free")).open()
    assert "tiger" not in str(caught.value)


async def test_a_listener_that_accepts_and_says_nothing_is_given_up() -> None:
    async with await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailable, match="no connection within 2 seconds"):
            await open_source(settings(f"127.0.0.1:{port}/free", connect_seconds=2.0)).open()


async def test_chunks_of_like_sizes_are_parsed_once_a_session_and_executed_again_from_then_on() -> None:
    asked = parse_domain(
        "lots",
        "SELECT t.CID, t.N FROM LOTS {{as_of}} t WHERE t.CID IN ({{ids}})",
        'description = "x"\ncontainer_id = "CID"\nchunk_size = 50',
    )
    ids = ["C" * (1 + number % 20) + str(number) for number in range(500)]
    with serving() as server:
        columns = {"CID": types.varchar2(40), "N": types.number(10)}
        server.data.tables.put("LOTS", Table.of(columns, [(cid, n) for n, cid in enumerate(ids)]))
        source = OracleSource(
            replace(settings(server.dsn), oracle_user=server.user, oracle_password=server.password)
        )
        await source.open()
        scn = await source.snapshot()
        await source.columns(asked)
        before = server.counts.copy()
        found = 0
        for first in range(0, 500, 50):
            # 43 to 50 IDs: lists of one length all the same.
            chunk = ids[first : first + 50 - first % 8]
            async with aclosing(source.fetch_events_iter(chunk, asked, 500, snapshot=scn)) as batches:
                found += sum([batch.num_rows async for batch in batches])
        made = server.counts - before
        await source.close()
    assert found > 400
    assert made["execute"] == 10
    assert made["parse"] == 1
    assert made["reexecute"] == 9
    assert not made["logon"]


async def test_tls_with_a_wallet_is_a_matter_of_settings(tmp_path: Path) -> None:
    authority, context = certificates(tmp_path)
    authority.rename(tmp_path / "ewallet.pem")
    with serving(tls=context) as server:
        named = replace(settings(server.dsn), oracle_user=server.user, oracle_password=server.password)
        with pytest.raises(SourceFailed, match="TRACE_ORACLE_WALLET"):
            await open_source(named).open()
        dsn = f"{server.dsn}?ssl_server_cert_dn=CN=loopback"
        trusting = open_source(replace(named, oracle_wallet=tmp_path, oracle_dsn=dsn))
        await trusting.open()
        assert await trusting.snapshot()
        await trusting.close()
        other = replace(named, oracle_wallet=tmp_path, oracle_dsn=f"{server.dsn}?ssl_server_cert_dn=CN=other")
        with pytest.raises(SourceFailed, match="another one than the DSN says"):
            await open_source(other).open()


async def test_an_alias_is_found_in_its_folder(tmp_path: Path) -> None:
    with serving() as server:
        description = (
            f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={server.port}))(CONNECT_DATA=(SERVICE_NAME=free))"
        )
        (tmp_path / "tnsnames.ora").write_text(f"PLANT = (DESCRIPTION={description})\n")
        named = replace(settings("plant"), oracle_user=server.user, oracle_password=server.password)
        source = open_source(replace(named, oracle_config_dir=tmp_path))
        await source.open()
        await source.close()
        with pytest.raises(SourceFailed, match="TRACE_ORACLE_CONFIG_DIR"):
            await open_source(replace(named, oracle_dsn="nowhere", oracle_config_dir=tmp_path)).open()
