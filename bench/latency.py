"""How soon a small query is answered: 10 containers, services running, one client with one connection, one job after the other.

- ``stream``: from sending the POST to having the first ``records`` line of ``GET …/stream``, two requests
- ``wait``: the POST with ``Prefer: wait=10``, from sending it to having the whole answer, one request

The two take turns. A round is one job.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Sequence

from bench.cpu import cpu_seconds
from bench.figures import Figure
from bench.services import Service
from schemas.ids import ContainerIds

GROUP = "latency"
CONTAINERS = 10
_REQUIRED_MS = 150.0
_WARM_UP = 3
_TIMEOUT = 30.0


async def measure(
    service: Service, ids: ContainerIds, domains: Sequence[str], count: int, tell: Callable[[str], None]
) -> list[Figure]:
    """The figures of ``count`` jobs each way, and the processor time of a job."""
    queries = [
        ids[first : first + CONTAINERS] for first in range(0, 2 * (count + _WARM_UP) * CONTAINERS, CONTAINERS)
    ]
    before = {name: cpu_seconds(pid) for name, pid in service.pids.items()}
    streamed, waited = await asyncio.to_thread(_take_turns, service.port, queries, domains)
    used = {name: cpu_seconds(pid) - before[name] for name, pid in service.pids.items()}
    tell(f"{count} jobs each way")
    return [
        Figure(GROUP, "submit to first records line, POST then GET", "ms", streamed, below=_REQUIRED_MS),
        Figure(GROUP, "submit to whole answer, Prefer: wait=10", "ms", waited, below=_REQUIRED_MS),
        *(
            Figure(GROUP, f"CPU of the {name} a job", "ms", (seconds * 1000 / len(queries),))
            for name, seconds in used.items()
        ),
    ]


def _take_turns(
    port: int, queries: Sequence[list[str]], domains: Sequence[str]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    streamed, waited = [], []
    for number, query in enumerate(queries):
        body = json.dumps({"container_ids": query, "domains": domains})
        if number % 2:
            waited.append(_waited(connection, body))
        else:
            streamed.append(_streamed(connection, body))
    connection.close()
    return tuple(streamed[_WARM_UP:]), tuple(waited[_WARM_UP:])


def _streamed(connection: http.client.HTTPConnection, body: str) -> float:
    begun = time.perf_counter()
    job = json.loads(_post(connection, body, {}, 202).read())["job_id"]
    connection.request("GET", f"/api/trace/job/{job}/stream")
    answer = connection.getresponse()
    took = None
    for line in answer:
        if took is None and b'"type":"records"' in line[:60]:
            took = (time.perf_counter() - begun) * 1000
    if took is None:
        raise RuntimeError(f"job {job} has no record")
    return took


def _waited(connection: http.client.HTTPConnection, body: str) -> float:
    begun = time.perf_counter()
    answer = _post(connection, body, {"Prefer": "wait=10"}, 200).read()
    took = (time.perf_counter() - begun) * 1000
    if b'"type":"records"' not in answer or b'"type":"complete"' not in answer:
        raise RuntimeError("the answer is not whole")
    return took


def _post(
    connection: http.client.HTTPConnection, body: str, headers: dict[str, str], wanted: int
) -> http.client.HTTPResponse:
    connection.request("POST", "/api/trace/jobs", body, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    if answer.status != wanted:
        raise RuntimeError(f"{answer.status} instead of {wanted}: {answer.read(500)!r}")
    return answer
