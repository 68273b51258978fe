"""A worker's view of the states: what is newest, and whose time has come."""

from __future__ import annotations

import msgspec

from joblog.states import StateView
from schemas.commands import Request
from schemas.jobs import CommandPlace, JobState, Status, encode_state, new_state

JOB = "01a20fe4-0701-7f9c-9c2a-81ea677b94db"


def a_state(status: Status, expires_at: int | None = None) -> JobState:
    request = Request(JOB, ("lots",), 1, 0, 5000, 3600, "127.0.0.1", "h", 0)
    state = new_state(request, CommandPlace(0, 0), f"trace.job.{JOB}")
    return msgspec.structs.replace(state, status=status, expires_at=expires_at)


def a_view(*states: JobState) -> StateView:
    view = StateView()
    view.open(0)
    for offset, state in enumerate(states):
        view.put(0, JOB, offset, 0, encode_state(state))
    return view


def test_a_job_is_due_when_its_life_is_over_and_not_before() -> None:
    view = a_view(a_state(Status.COMPLETE, expires_at=1000))
    assert list(view.expired_by(999)) == []
    assert list(view.expired_by(1000)) == [(0, JOB)]
    assert list(view.expired_by(1000)) == []


def test_a_job_that_has_expired_is_not_due_again() -> None:
    assert list(a_view(a_state(Status.EXPIRED, expires_at=1000)).expired_by(2000)) == []


def test_the_view_does_not_go_back() -> None:
    view = a_view(a_state(Status.QUEUED), a_state(Status.RUNNING))
    assert view.put(0, JOB, 0, 0, encode_state(a_state(Status.QUEUED))) is False
    found = view.state(0, JOB)
    assert found is not None
    assert found.status is Status.RUNNING


def test_a_job_whose_tombstone_was_just_written_is_not_known_and_older_states_do_not_bring_it_back() -> None:
    view = a_view(a_state(Status.EXPIRED))
    assert view.knows(0, JOB)
    view.put(0, JOB, 9, 0, None, own=True)
    assert not view.knows(0, JOB)
    assert view.put(0, JOB, 5, 0, encode_state(a_state(Status.EXPIRED))) is False
    assert view.state(0, JOB) is None


def test_a_state_of_ones_own_is_known_at_once_and_read_when_it_comes_back() -> None:
    view, value = a_view(a_state(Status.QUEUED)), encode_state(a_state(Status.RUNNING))
    view.put(0, JOB, 4, 0, value, own=True)
    assert view.offset(0, JOB) == 4
    assert not _is_read(view)
    view.put(0, JOB, 4, 0, value)
    assert _is_read(view)


def _is_read(view: StateView) -> bool:
    stored = view.stored(0, JOB)
    return stored is not None and stored.is_read
