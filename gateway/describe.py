"""A job's state as the API shows it (design: "Shapes"). Pure."""

from __future__ import annotations

from schemas.answers import DomainCounts, Job, Progress, SubmitAnswer
from schemas.jobs import DomainProgress, JobState, Status
from schemas.times import iso


def submit_answer(state: JobState) -> SubmitAnswer:
    request = state.request
    return SubmitAnswer(request.job_id, state.status, request.cid_count, request.duplicates_dropped)


def job_document(state: JobState, now_ms: int, queue_position: int | None) -> Job:
    """The document of ``GET /api/trace/job/{id}``; ``now_ms`` is for the estimate."""
    request = state.request
    return Job(
        job_id=request.job_id,
        status=state.status,
        progress=_progress(state, now_ms, queue_position),
        cid_count=request.cid_count,
        duplicates_dropped=request.duplicates_dropped,
        domains=request.domains,
        aggregation=request.aggregation,
        batch_size=request.batch_size,
        ttl_seconds=state.ttl,
        tries=state.tries,
        end_offset=state.end_offset,
        scn=state.scn,
        submitted_at=iso(request.submitted_at),
        started_at=_iso(state.started_at),
        ended_at=_iso(state.ended_at),
        expires_at=_iso(state.expires_at),
        problem=state.problem,
    )


def _progress(state: JobState, now_ms: int, queue_position: int | None) -> Progress:
    domains = {done.domain: _counts(done) for done in state.progress}
    return Progress(
        chunks=sum(each.chunks for each in domains.values()),
        total_chunks=sum(each.total_chunks for each in domains.values()),
        records=sum(each.records for each in domains.values()),
        bytes=sum(each.bytes for each in domains.values()),
        eta_seconds=eta_seconds(state, now_ms),
        queue_position=queue_position,
        domains=domains,
    )


def _counts(done: DomainProgress) -> DomainCounts:
    return DomainCounts(done.chunks, done.total_chunks, done.records, done.bytes, done.ended)


def eta_seconds(state: JobState, now_ms: int) -> float | None:
    """Seconds until everything is read, if it goes on as it went so far; None unless the job runs and a chunk is done."""
    if state.status is not Status.RUNNING or state.started_at is None:
        return None
    chunks = sum(done.chunks for done in state.progress)
    left = sum(done.total_chunks - done.chunks for done in state.progress)
    if not chunks:
        return None
    elapsed = max(0, now_ms - state.started_at) / 1000
    return round(elapsed * left / chunks, 1)


def _iso(unix_ms: int | None) -> str | None:
    return None if unix_ms is None else iso(unix_ms)
