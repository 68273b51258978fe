"""``/healthz``, ``/readyz`` and ``/metrics``: for those who run the gateway."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response

from gateway.bodies import json_response
from gateway.services import Services
from gateway.telemetry import BUCKETS, Counts
from schemas.jobs import Status
from schemas.problems import NotReady

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(request: Request, services: Services) -> Response:
    """The process answers; nothing is said about Kafka."""
    return json_response({"status": "ok"})


async def readyz(request: Request, services: Services) -> Response:
    """Whether requests can be served: the jobs are read, Kafka answers, and the gateway does not drain. Raises NotReady."""
    if services.reading.draining:
        raise NotReady("The gateway is shutting down.", retry_after=5)
    services.view.check_ready()
    if not services.probe.up:
        raise NotReady(f"Kafka does not answer ({services.probe.trouble.rstrip('.')}).", retry_after=2)
    return json_response({"status": "ready"})


async def metrics(request: Request, services: Services) -> Response:
    """Counters and gauges in Prometheus' text format."""
    counts: Counts = request.app.state.counts
    text = "".join(_lines(services, counts))
    return Response(text, media_type=METRICS_TYPE)


def _lines(services: Services, counts: Counts) -> Iterator[str]:
    table, fetches = services.view.table, services.reading.fetches
    yield from _metric(
        "tracestream_http_requests_total",
        "counter",
        "Answers by route, method and status; status 0 was cut before its head.",
        [
            ({"route": route, "method": method, "status": str(status)}, count)
            for (route, method, status), count in sorted(counts.requests.items())
        ],
    )
    yield from _histogram(counts)
    single = (
        (
            "http_requests_in_progress",
            "gauge",
            "Requests being answered, streams included.",
            counts.in_progress,
        ),
        ("http_sent_bytes_total", "counter", "Bytes of bodies sent.", counts.bytes_sent),
        ("open_streams", "gauge", "Open streams.", services.reading.open_streams),
        ("fetches_total", "counter", "Reads of job logs sent to Kafka.", fetches.requests),
        ("cache_hits_total", "counter", "Reads of job logs answered from memory.", fetches.hits),
        ("cache_bytes", "gauge", "Memory of the messages that are kept.", fetches.bytes),
        ("jobs_alive", "gauge", "Jobs that have not expired.", table.alive),
        ("view_lag_records", "gauge", "Known records about jobs that are not read yet.", services.view.lag),
        ("view_ready", "gauge", "1 when the jobs were read to their ends.", int(services.view.ready)),
        ("kafka_up", "gauge", "1 when Kafka answered the last time it was asked.", int(services.probe.up)),
    )
    for name, kind, text, value in single:
        yield from _metric(f"tracestream_{name}", kind, text, [({}, value)])
    by_status = [({"status": status.value}, table.by_status[status]) for status in Status]
    yield from _metric("tracestream_jobs", "gauge", "Jobs by status.", by_status)


def _histogram(counts: Counts) -> Iterator[str]:
    name, total = "tracestream_http_response_seconds", 0
    yield f"# HELP {name} Time to the head of the answer.\n# TYPE {name} histogram\n"
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts.buckets, strict=True):
        total += count
        yield f'{name}_bucket{{le="{bound}"}} {total}\n'
    yield f"{name}_sum {counts.seconds:.6f}\n{name}_count {total}\n"


def _metric(
    name: str, kind: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]
) -> Iterator[str]:
    yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escape(label)}"' for key, label in labels.items())
        yield f"{name}{{{inner}}} {value}\n" if inner else f"{name} {value}\n"


def _escape(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
