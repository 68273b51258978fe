"""What the gateway answers, as types: the JSON of every route that is not a job's log (design: "HTTP (gateway)", Shapes).

The OpenAPI document is made from these, so that it cannot say something else than the routes do. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.jobs import Status


class SubmitAnswer(msgspec.Struct, frozen=True):
    """A submit that was taken. ``cid_count`` counts the distinct container IDs."""

    job_id: str
    status: Status
    cid_count: int
    duplicates_dropped: int


class DomainCounts(msgspec.Struct, frozen=True):
    """How far one domain is: chunks of its total, and what of it stands in the log (``bytes`` of NDJSON)."""

    chunks: int
    total_chunks: int
    records: int
    bytes: int
    ended: bool


class Progress(msgspec.Struct, frozen=True):
    """How far a job is, over all its domains. ``eta_seconds`` is an estimate while it runs, ``queue_position`` counts from 1
    while it waits; ``total_chunks`` is 0 until the job starts."""

    chunks: int
    total_chunks: int
    records: int
    bytes: int
    eta_seconds: float | None
    queue_position: int | None
    domains: dict[str, DomainCounts]


class Job(msgspec.Struct, frozen=True):
    """The state of a job. ``end_offset`` is one behind the last message of its log as far as the state tells. ``problem`` is
    why it failed (RFC 9457)."""

    job_id: str
    status: Status
    progress: Progress
    cid_count: int
    duplicates_dropped: int
    domains: tuple[str, ...]
    aggregation: str | None
    batch_size: int
    ttl_seconds: int
    tries: int
    end_offset: int
    scn: int | None
    submitted_at: str
    started_at: str | None
    ended_at: str | None
    expires_at: str | None
    problem: dict[str, Any] | None


class JobList(msgspec.Struct, frozen=True):
    """Jobs, the newest first."""

    jobs: list[Job]


class DomainEntry(msgspec.Struct, frozen=True):
    """A domain that can be asked for."""

    name: str
    description: str


class AggregationEntry(msgspec.Struct, frozen=True):
    """An aggregation that can be asked for, and the domains it needs."""

    name: str
    description: str
    needs: list[str]


class Offering(msgspec.Struct, frozen=True):
    """The catalogue, and the bounds of a request. ``example_ids`` counts the IDs of ``/api/trace/example-ids``, null without."""

    domains: list[DomainEntry]
    aggregations: list[AggregationEntry]
    limits: dict[str, int]
    example_ids: int | None = None


class ProblemDocument(msgspec.Struct, frozen=True):
    """What went wrong (RFC 9457). ``detail`` says what to change; further members depend on the type."""

    type: str
    title: str
    status: int
    detail: str
