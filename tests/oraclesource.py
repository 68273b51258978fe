"""How tests reach an Oracle: the loopback server or a real one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from producers.sources.settings import SourceSettings
from tests.oracle.server import OracleServer
from tests.realoracle import RealOracle


def settings_for(server: OracleServer | RealOracle, **changes: Any) -> SourceSettings:
    """A source's settings for it, with ``changes``; connecting may take long on a busy machine."""
    settings = SourceSettings(
        source="oracle",
        oracle_dsn=server.dsn,
        oracle_user=server.user,
        oracle_password=server.password,
        oracle_connect_seconds=60.0,
    )
    return replace(settings, **changes)
