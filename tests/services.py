"""A worker, a processor and a gateway as processes of their own, on a broker that runs already."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from broker.embedded import free_ports

DEADLINE = 120.0


@contextmanager
def running(env: Mapping[str, str], folder: Path) -> Iterator[str]:
    """All three with the settings ``env``, logs in ``folder``; answers the gateway's address once it is ready."""
    (port,) = free_ports(1)
    own = {**env, "TRACE_DATA_DIR": str(folder), "TRACE_HTTP_PORT": str(port)}
    with ExitStack() as held:
        for command in ("worker", "processor", "gateway"):
            held.enter_context(_process(command, own, folder))
        url = f"http://127.0.0.1:{port}"
        _wait_ready(url)
        yield url


@contextmanager
def _process(command: str, env: Mapping[str, str], folder: Path) -> Iterator[None]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
    with (folder / f"{command}.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tracestream", command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**others, **env},
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(url: str) -> None:
    end = time.monotonic() + DEADLINE
    while True:
        try:
            if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, "the gateway did not become ready"
        time.sleep(0.1)
