"""Connecting and logging on, as the real driver does it."""

from __future__ import annotations

import ssl
from pathlib import Path

import oracledb
import pytest

from tests.oracle import OracleServer, Release, serving
from tests.oracle.certificates import certificates
from tests.oracle.conftest import connect, connect_async


def test_the_driver_learns_the_release(connection: oracledb.Connection, release: Release) -> None:
    assert connection.thin
    assert connection.version == release.text
    assert connection.service_name == "free"
    assert connection.is_healthy()


async def test_the_asynchronous_driver_logs_on_too(
    async_connection: oracledb.AsyncConnection, release: Release
) -> None:
    assert async_connection.version == release.text
    await async_connection.ping()


def test_a_password_of_any_characters_works(server: OracleServer, release: Release) -> None:
    with pytest.raises(oracledb.DatabaseError):
        connect(server, password="sécret ☃")
    with serving(password="sécret ☃ " + "x" * 200, release=release) as other, connect(other) as connection:
        connection.ping()


@pytest.mark.parametrize("wrong", ({"password": "Secret"}, {"user": "nobody"}))
def test_a_wrong_user_or_password_is_ora_01017(server: OracleServer, wrong: dict[str, str]) -> None:
    with pytest.raises(oracledb.DatabaseError, match="ORA-01017"):
        connect(server, **wrong)
    assert not server.sessions


async def test_a_wrong_password_is_ora_01017_for_the_asynchronous_driver(server: OracleServer) -> None:
    with pytest.raises(oracledb.DatabaseError, match="ORA-01017"):
        await connect_async(server, password="wrong")


def test_an_unknown_service_is_refused_by_the_listener(server: OracleServer) -> None:
    with pytest.raises(oracledb.OperationalError, match=r"DPY-6001: .*\n?.*ORA-12514"):
        connect(server, dsn=server.dsn.replace("/free", "/other"))


async def test_a_listener_that_refuses_for_another_reason_names_it(server: OracleServer) -> None:
    server.faults.refuse(12516)
    with pytest.raises(oracledb.OperationalError, match="ORA-12516"):
        await connect_async(server)


def test_a_long_connect_descriptor_comes_in_a_packet_of_its_own(server: OracleServer) -> None:
    address = f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={server.port}))"
    service = "(CONNECT_DATA=(SERVICE_NAME=free))"
    with connect(server, dsn=f"(DESCRIPTION={address}{service})", program="p" * 400) as connection:
        connection.ping()


def test_more_sessions_than_allowed_are_ora_00018(server: OracleServer) -> None:
    server.most_sessions = 2
    with connect(server), connect(server), pytest.raises(oracledb.DatabaseError, match="ORA-00018"):
        connect(server)
    assert server.counts["logon"] == 2


def test_a_session_ends_when_its_client_logs_off(server: OracleServer) -> None:
    with connect(server) as connection:
        connection.ping()
        assert len(server.sessions) == 1
    with connect(server):
        assert server.counts["logon"] == 2
        server.wait_until(lambda: len(server.sessions) == 1)


async def test_a_pool_reuses_its_sessions(server: OracleServer) -> None:
    credentials = {"user": server.user, "password": server.password, "dsn": server.dsn}
    pool = oracledb.create_pool_async(**credentials, min=1, max=2)
    for _ in range(5):
        async with pool.acquire() as connection:
            assert await connection.fetchone("SELECT DUMMY FROM DUAL") == ("X",)
    await pool.close()
    assert server.counts["logon"] == 1


def test_a_larger_data_unit_is_agreed_on(server: OracleServer) -> None:
    with connect(server, sdu=65535) as connection:
        assert connection.sdu == 65535
        connection.ping()


def test_tls_is_spoken_where_it_is_asked_for(tmp_path: Path, release: Release) -> None:
    authority, context = certificates(tmp_path)
    with serving(tls=context, release=release) as server:
        trusting = ssl.create_default_context(cafile=authority)
        with connect(server, ssl_context=trusting, ssl_server_dn_match=False) as connection:
            assert connection.cursor().execute("SELECT DUMMY FROM DUAL").fetchall() == [("X",)]
        with pytest.raises(oracledb.OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
            connect(server)


async def test_tls_by_a_wallet_for_the_asynchronous_driver(tmp_path: Path, release: Release) -> None:
    authority, context = certificates(tmp_path)
    authority.rename(tmp_path / "ewallet.pem")
    with serving(tls=context, release=release) as server:
        wallet = {"wallet_location": str(tmp_path), "ssl_server_cert_dn": "CN=loopback"}
        async with connect_async(server, **wallet) as connection:
            assert await connection.fetchone("SELECT DUMMY FROM DUAL") == ("X",)
        with pytest.raises(oracledb.DatabaseError, match="DPY-6002"):
            await connect_async(server, **(wallet | {"ssl_server_cert_dn": "CN=other"}))
