"""One reading of a stream by one Python client, a process of its own: ``python -m bench.reader HOW URL JOB``.

Prints what it took as JSON: bytes of the body, seconds, processor time in seconds from the first request to the last byte, and the
process's peak memory in bytes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal

import httpx

from tracestream.memory import peak_memory
from tracestream_client import AsyncClient, Client, parsing
from tracestream_client.transport import STREAM_HEADERS

HEADERS = dict(STREAM_HEADERS)


def httpx_bytes(url: str, job: str) -> int:
    """What no client on httpx can be better than: bytes that nobody looks at."""
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("GET", f"{url}/api/trace/job/{job}/stream", headers=HEADERS) as response,
    ):
        return sum(map(len, response.iter_bytes()))


def lines(url: str, job: str) -> int:
    with Client(url) as client:
        return sum(map(len, client.lines(job)))


def messages(url: str, job: str) -> int:
    with Client(url) as client:
        for _ in client.stream(job):
            pass
    return 0


def decimals(url: str, job: str) -> int:
    with Client(url) as client:
        for _ in client.stream(job, exact=Decimal):
            pass
    return 0


def messages_without_msgspec(url: str, job: str) -> int:
    """As where the extra ``fast`` is not installed."""
    vars(parsing)["msgspec"] = None
    return messages(url, job)


async def async_httpx_bytes(url: str, job: str) -> int:
    address = f"{url}/api/trace/job/{job}/stream"
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", address, headers=HEADERS) as response,
    ):
        return sum([len(piece) async for piece in response.aiter_bytes()])


async def async_lines(url: str, job: str) -> int:
    async with AsyncClient(url) as client:
        return sum([len(line) async for line in client.lines(job)])


async def async_messages(url: str, job: str) -> int:
    async with AsyncClient(url) as client:
        async for _ in client.stream(job):
            pass
    return 0


SYNC: dict[str, Callable[[str, str], int]] = {
    "httpx": httpx_bytes,
    "lines": lines,
    "messages": messages,
    "decimals": decimals,
    "messages, json": messages_without_msgspec,
}
ASYNC: dict[str, Callable[[str, str], Coroutine[None, None, int]]] = {
    "async httpx": async_httpx_bytes,
    "async lines": async_lines,
    "async messages": async_messages,
}


def main(how: str, url: str, job: str) -> dict[str, float]:
    begun, used = time.perf_counter(), time.process_time()
    size = SYNC[how](url, job) if how in SYNC else asyncio.run(ASYNC[how](url, job))
    taken = {"size": size, "seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}
    return {**taken, "peak": peak_memory(os.getpid())}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
