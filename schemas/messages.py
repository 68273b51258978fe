"""The messages of a job topic: each value is the exact NDJSON line of the answer, newline included (design: "The job topic").

The order is ``meta``, then for each domain ``domain_start``, ``records``…, ``domain_end``, then perhaps ``aggregation``, then
exactly one of ``complete``, ``error``, ``cancelled``, which ends the log. Each function returns one line as bytes that begins with
``{"type":``, so that the gateway can splice ``"offset":N,`` in behind the brace without parsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.commands import Request
from schemas.times import iso

SCHEMA_VERSION = 1
META = "meta"
DOMAIN_START = "domain_start"
RECORDS = "records"
DOMAIN_END = "domain_end"
AGGREGATION = "aggregation"
COMPLETE = "complete"
ERROR = "error"
CANCELLED = "cancelled"
TERMINAL = frozenset({COMPLETE, ERROR, CANCELLED})

RECORDS_SUFFIX = b"]}\n"

_encode = msgspec.json.Encoder().encode


def _line(message: dict[str, Any]) -> bytes:
    return _encode(message) + b"\n"


def meta(request: Request, scn: int | None) -> bytes:
    """The first line: what was asked for, and the snapshot (Oracle's SCN) that all domains are read at."""
    return _line(
        {
            "type": META,
            "job_id": request.job_id,
            "domains": list(request.domains),
            "cid_count": request.cid_count,
            "duplicates_dropped": request.duplicates_dropped,
            "aggregation": request.aggregation,
            "batch_size": request.batch_size,
            "schema": SCHEMA_VERSION,
            "scn": scn,
            "submitted_at": iso(request.submitted_at),
        }
    )


def domain_start(
    domain: str, *, total_chunks: int, columns: Sequence[dict[str, Any]], total_batches: int | None = None
) -> bytes:
    """Opens a domain. ``columns``: name, database type and JSON form of each column, in record order."""
    return _line(
        {
            "type": DOMAIN_START,
            "domain": domain,
            "batch": 1,
            "total_batches": total_batches,
            "total_chunks": total_chunks,
            "columns": list(columns),
        }
    )


def records_prefix(domain: str, batch: int) -> bytes:
    """What stands before the first record of a ``records`` line; :data:`RECORDS_SUFFIX` stands behind the last."""
    return b'{"type":"records","domain":%b,"batch":%d,"data":[' % (_encode(domain), batch)


def domain_end(domain: str, *, total_records: int, total_batches: int, null_container_rows: int) -> bytes:
    """Closes a domain. ``null_container_rows`` counts the rows left out because their container ID is NULL."""
    return _line(
        {
            "type": DOMAIN_END,
            "domain": domain,
            "total_records": total_records,
            "total_batches": total_batches,
            "null_container_rows": null_container_rows,
        }
    )


def aggregation(name: str, data: msgspec.Raw) -> bytes:
    """What the processor found; ``data`` is its JSON, passed through as it is."""
    return _line({"type": AGGREGATION, "name": name, "data": data})


def complete(*, elapsed_seconds: float, total_records: int) -> bytes:
    """The job ended well. ``elapsed_seconds`` since its first start."""
    return _line(
        {"type": COMPLETE, "elapsed_seconds": round(elapsed_seconds, 3), "total_records": total_records}
    )


def error(problem: dict[str, Any]) -> bytes:
    """The job failed; ``problem`` is an RFC 9457 problem document."""
    return _line({"type": ERROR, "problem": problem})


def cancelled(*, elapsed_seconds: float) -> bytes:
    """The job was cancelled; what stands before this line stays readable."""
    return _line({"type": CANCELLED, "elapsed_seconds": round(elapsed_seconds, 3)})
