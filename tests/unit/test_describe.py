"""A job's state as the API shows it (gateway.describe)."""

from __future__ import annotations

from typing import Any

from gateway.describe import eta_seconds, job_document
from schemas.jobs import DomainProgress, JobState, Status, changed
from tests.unit.test_job_table import NOW, request, state_of


def running(*progress: DomainProgress, **changes: Any) -> JobState:
    return changed(
        state_of(request(domains=("history", "materials"))),
        status=Status.RUNNING,
        started_at=NOW,
        progress=progress,
        **changes,
    )


HISTORY = DomainProgress("history", total_chunks=10, chunks=4, records=40, bytes=400)
MATERIALS = DomainProgress("materials", total_chunks=10)


def test_progress_adds_up_over_the_domains_and_shows_each() -> None:
    shown = job_document(running(HISTORY, MATERIALS), NOW + 8000, None).progress
    assert (shown.chunks, shown.total_chunks, shown.records, shown.bytes) == (4, 20, 40, 400)
    assert shown.domains["history"].chunks == 4
    assert not shown.domains["materials"].ended


def test_the_estimate_goes_on_as_it_went_so_far() -> None:
    assert eta_seconds(running(HISTORY, MATERIALS), NOW + 8000) == 32.0


def test_there_is_no_estimate_before_the_first_chunk_or_when_nothing_runs() -> None:
    assert eta_seconds(running(MATERIALS), NOW + 8000) is None
    done = changed(running(HISTORY), status=Status.COMPLETE)
    assert eta_seconds(done, NOW + 8000) is None
    assert eta_seconds(state_of(request()), NOW) is None


def test_times_have_a_zone_and_an_open_end_is_null() -> None:
    shown = job_document(running(HISTORY), NOW, None)
    assert shown.submitted_at == "2026-09-21T14:13:20.000Z"
    assert shown.started_at == shown.submitted_at
    assert (shown.ended_at, shown.expires_at) == (None, None)
    ended = changed(running(HISTORY), status=Status.COMPLETE, ended_at=NOW, expires_at=NOW + 60_000)
    assert job_document(ended, NOW, None).expires_at == "2026-09-21T14:14:20.000Z"
