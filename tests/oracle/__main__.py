"""``python -m tests.oracle --data plant.duckdb --port 1521``: the server as a process, until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path

from tests.oracle.release import ORACLE_19, ORACLE_23
from tests.oracle.server import OracleServer


async def serve(arguments: argparse.Namespace) -> None:
    """Says where it listens on its first line."""
    server = OracleServer(
        arguments.data,
        user=arguments.user,
        password=arguments.password,
        service=arguments.service,
        port=arguments.port,
        release=ORACLE_23 if arguments.release == 23 else ORACLE_19,
        repeats=not arguments.no_repeats,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        print(f"{server.user}@{server.dsn}", flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--data", type=Path, help="DuckDB file with the tables; read only")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 chooses a free one")
    parser.add_argument("--user", default="trace")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--service", default="free")
    parser.add_argument("--release", type=int, choices=(19, 23), default=19)
    parser.add_argument(
        "--no-repeats", action="store_true", help="send values that repeat the row before too"
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
