"""From the settings to a session: thin or thick mode, TLS, wallets. Passwords go to the driver and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import oracledb

from producers.sources.oracle_pool import SessionPool
from producers.sources.oracle_session import Session
from producers.sources.protocol import SourceFailed
from producers.sources.settings import SourceSettings

_STATEMENTS = 50
"""Statements a session keeps parsed: each domain's with four lengths of a list and a JSON array, with and without a snapshot."""
_PROBE_MINUTES = 2
"""Minutes of silence after which TCP asks whether the other side is still there."""


def parameters(settings: SourceSettings) -> Mapping[str, Any]:
    """What the driver is told to connect with. Raises SourceFailed for a DSN that carries a user or a password."""
    _check_dsn(settings.oracle_dsn)
    wanted: dict[str, Any] = {
        "user": settings.oracle_user,
        "password": settings.oracle_password,
        "dsn": settings.oracle_dsn,
        "tcp_connect_timeout": settings.oracle_connect_seconds,
        "expire_time": _PROBE_MINUTES,
        "stmtcachesize": _STATEMENTS,
    }
    if not settings.oracle_thick:
        wanted["program"] = "tracestream"
    if settings.oracle_config_dir is not None:
        wanted["config_dir"] = str(settings.oracle_config_dir)
    if settings.oracle_wallet is not None:
        wanted["wallet_location"] = str(settings.oracle_wallet)
    if settings.oracle_wallet_password:
        wanted["wallet_password"] = settings.oracle_wallet_password
    return wanted


def secrets(settings: SourceSettings) -> tuple[str, ...]:
    """What no message may repeat."""
    return (settings.oracle_password, settings.oracle_wallet_password)


def pool_of(settings: SourceSettings) -> SessionPool:
    """The pool, without a connection. Raises SourceFailed, and the driver's error when thick mode's libraries are missing."""
    wanted = parameters(settings)
    if settings.oracle_thick:
        folder = settings.oracle_client_folder
        oracledb.init_oracle_client(
            lib_dir=str(folder) if folder else None,
            config_dir=str(settings.oracle_config_dir) if settings.oracle_config_dir else None,
        )
    return SessionPool(
        partial(Session.connect, wanted),
        settings.connections,
        wait_seconds=settings.oracle_wait_seconds,
        connect_seconds=settings.oracle_connect_seconds,
    )


def _check_dsn(dsn: str) -> None:
    if not dsn:
        raise SourceFailed("TRACE_ORACLE_DSN is empty.", hint="Say where Oracle is, as host:1521/service.")
    if "@" in dsn and not dsn.lstrip().startswith("("):
        # Not repeated: the driver's own messages would.
        raise SourceFailed(
            "TRACE_ORACLE_DSN carries a user or a password.",
            hint="Put them into TRACE_ORACLE_USER and TRACE_ORACLE_PASSWORD or its _FILE.",
        )
