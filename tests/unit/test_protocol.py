"""What the holder of a job does next, as sentences; nothing here needs a broker."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblog.protocol import (
    Backlog,
    Inbox,
    Step,
    Wanted,
    after_end,
    applied,
    apply_ttls,
    back_off,
    concerns,
    ended,
    expired,
    is_admitted,
    is_buried,
    is_orphan,
    is_taken_up,
    next_step,
    tries_at_start,
    was_admitted,
    was_stored,
)
from schemas.commands import CANCEL, DELETE, SET_TTL, Request
from schemas.headers import MessageHeaders, decode
from schemas.jobs import (
    ENDED,
    MAX_STATE_BYTES,
    TRANSITIONS,
    CommandPlace,
    JobState,
    Status,
    changed,
    decode_state,
    encode_state,
    new_state,
)

NOW = 1_700_000_000_000
MAX_TRIES = 5


def a_state(status: Status = Status.QUEUED, **changes: Any) -> JobState:
    request = Request(
        job_id="01a20fe4-0701-7f9c-9c2a-81ea677b94db",
        domains=("history", "materials"),
        cid_count=2500,
        duplicates_dropped=0,
        batch_size=5000,
        ttl_seconds=3600,
        principal="127.0.0.1",
        request_hash="h",
        submitted_at=NOW,
    )
    state = new_state(request, CommandPlace(3, 10), f"trace.job.{request.job_id}")
    return msgspec.structs.replace(state, status=status, **changes)


def an_inbox(*commands: tuple[int, str]) -> Inbox:
    inbox = Inbox()
    for offset, kind in commands:
        inbox.add(Wanted(offset, kind, ttl_seconds=60))
    return inbox


def step(state: JobState, inbox: Inbox | None = None, now: int = NOW) -> Step:
    return next_step(state, inbox or Inbox(), now, MAX_TRIES)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_a_job_that_has_not_ended_is_extracted(status: Status) -> None:
    assert step(a_state(status)) is Step.EXTRACT


def test_an_extracted_job_waits_for_its_result() -> None:
    assert step(a_state(Status.EXTRACTED)) is Step.AWAIT_RESULT


def test_a_job_started_too_often_is_given_up() -> None:
    assert step(a_state(Status.RUNNING, tries=MAX_TRIES)) is Step.EXTRACT
    assert step(a_state(Status.RUNNING, tries=MAX_TRIES + 1)) is Step.GIVE_UP


@pytest.mark.parametrize("kind", [CANCEL, DELETE])
@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.EXTRACTED])
def test_a_cancel_or_delete_ends_a_job_that_has_not_ended(status: Status, kind: str) -> None:
    assert step(a_state(status), an_inbox((11, kind))) is Step.CANCEL


def test_a_delete_of_an_ended_job_expires_it() -> None:
    assert step(a_state(Status.COMPLETE), an_inbox((11, DELETE))) is Step.EXPIRE


def test_a_cancel_of_an_ended_job_does_not_run_it_again() -> None:
    state = a_state(Status.COMPLETE)
    assert step(state, an_inbox((11, CANCEL))) is Step.APPLY_TTL
    assert an_inbox((11, CANCEL)).drop_finished(state, topic_gone=False) != []


@pytest.mark.parametrize("status", sorted(ENDED - {Status.EXPIRED}))
def test_an_ended_job_expires_when_its_time_has_come(status: Status) -> None:
    state = a_state(status, expires_at=NOW)
    assert step(state, now=NOW - 1) is Step.NOTHING
    assert step(state, now=NOW) is Step.EXPIRE


def test_of_an_expired_job_only_the_topic_is_left() -> None:
    assert step(a_state(Status.EXPIRED), an_inbox((11, CANCEL))) is Step.REMOVE_TOPIC


def test_a_command_that_a_state_carries_is_not_applied_again() -> None:
    assert step(a_state(Status.RUNNING, last_command=11), an_inbox((11, CANCEL))) is Step.EXTRACT


def test_a_ttl_behind_a_cancel_waits_for_the_cancel() -> None:
    state = a_state(Status.RUNNING)
    pending = an_inbox((11, SET_TTL), (12, CANCEL), (13, SET_TTL)).pending(state)
    assert apply_ttls(state, pending) == (60, 11)
    assert after_end(state, pending) == (60, 13)


def test_a_delete_stays_pending_through_the_terminal_state() -> None:
    state = a_state(Status.RUNNING)
    pending = an_inbox((11, CANCEL), (12, DELETE)).pending(state)
    assert after_end(state, pending) == (None, 11)


def test_a_command_read_twice_is_in_the_inbox_once() -> None:
    inbox = an_inbox((11, CANCEL))
    assert inbox.add(Wanted(11, CANCEL)) is False
    assert len(inbox.commands) == 1


def test_a_delete_is_finished_when_the_topic_is_gone() -> None:
    inbox = an_inbox((11, DELETE))
    assert inbox.drop_finished(a_state(Status.EXPIRED, last_command=11), topic_gone=False) == []
    assert inbox.drop_finished(a_state(Status.EXPIRED, last_command=11), topic_gone=True) != []


def test_commands_about_a_job_that_was_removed_are_finished() -> None:
    inbox = an_inbox((11, SET_TTL), (12, DELETE))
    assert [done.offset for done in inbox.drop_finished(None, topic_gone=False)] == [11, 12]
    assert inbox.commands == []


def test_the_offset_committed_stays_before_the_oldest_command_that_is_not_finished() -> None:
    backlog = Backlog(position=5, committed=5)
    assert [backlog.take(offset) for offset in (4, 5, 6, 7)] == [False, True, True, True]
    backlog.hold(5, "a")
    backlog.hold(7, "b")
    assert backlog.safe == 5
    backlog.finish([Wanted(5, CANCEL)])
    assert backlog.safe == 7
    backlog.finish([Wanted(7, CANCEL)])
    assert backlog.safe == 8


def test_a_submit_is_admitted_unless_its_id_is_known_or_its_tombstone_may_be_written() -> None:
    assert is_admitted(known=False, age_ms=999, retention_ms=1000)
    assert not is_admitted(known=True, age_ms=0, retention_ms=1000)
    assert not is_admitted(known=False, age_ms=1000, retention_ms=1000)


@pytest.mark.parametrize(
    ("kind", "state", "answer"),
    [
        (CANCEL, None, False),
        (CANCEL, a_state(Status.RUNNING), True),
        (CANCEL, a_state(Status.COMPLETE), False),
        (CANCEL, a_state(Status.EXPIRED), False),
        (DELETE, a_state(Status.COMPLETE), True),
        (DELETE, a_state(Status.EXPIRED), True),
        (SET_TTL, a_state(Status.COMPLETE), True),
        (SET_TTL, a_state(Status.EXPIRED), False),
    ],
)
def test_a_command_concerns_a_job_only_while_it_can_change_it(
    kind: str, state: JobState | None, answer: bool
) -> None:
    assert concerns(Wanted(11, kind), state) is answer


def test_an_admission_that_kafka_left_open_was_committed_when_the_offset_has_passed_its_command() -> None:
    assert was_admitted([a_state()], committed=a_state().command.offset + 1)
    assert not was_admitted([a_state()], committed=a_state().command.offset)


def test_states_that_kafka_left_open_were_committed_when_their_writer_finds_them() -> None:
    assert was_stored(left=7, known=7)
    assert not was_stored(left=7, known=5)
    assert not was_stored(left=7, known=None)


@pytest.mark.parametrize(
    ("state", "topic_stands", "answer"),
    [
        (a_state(Status.QUEUED), False, True),
        (a_state(Status.RUNNING), True, True),
        (a_state(Status.COMPLETE, expires_at=NOW + 1), True, False),
        (a_state(Status.COMPLETE, expires_at=NOW), True, True),
        (a_state(Status.EXPIRED, expires_at=NOW), True, True),
        (a_state(Status.EXPIRED, expires_at=NOW), False, False),
    ],
)
def test_a_job_is_taken_up_when_it_has_something_to_do(
    state: JobState, topic_stands: bool, answer: bool
) -> None:
    assert is_taken_up(state, topic_stands=topic_stands, now_ms=NOW) is answer


def test_only_an_expired_job_is_buried_and_only_when_no_command_about_it_is_kept() -> None:
    assert is_buried(a_state(Status.EXPIRED), NOW - 1000, NOW, 1000)
    assert not is_buried(a_state(Status.EXPIRED), NOW - 999, NOW, 1000)
    assert not is_buried(a_state(Status.COMPLETE), NOW - 1000, NOW, 1000)


def test_a_topic_is_an_orphan_when_it_is_old_or_empty() -> None:
    assert is_orphan(0, NOW, 1000)
    assert is_orphan(NOW - 1000, NOW, 1000)
    assert not is_orphan(NOW - 999, NOW, 1000)


def test_a_changed_life_is_counted_from_the_end() -> None:
    pending = an_inbox((11, SET_TTL)).pending(a_state())
    assert applied(a_state(Status.RUNNING), pending)["expires_at"] is None
    assert applied(a_state(Status.COMPLETE, ended_at=NOW), pending)["expires_at"] == NOW + 60_000


def test_a_job_that_ends_begins_its_life_with_the_newest_that_was_asked_for() -> None:
    assert ended(a_state(Status.RUNNING), Status.COMPLETE, [], NOW)["expires_at"] == NOW + 3_600_000
    pending = an_inbox((11, SET_TTL), (12, CANCEL)).pending(a_state())
    changes = ended(a_state(Status.RUNNING), Status.CANCELLED, pending, NOW)
    assert (changes["expires_at"], changes["last_command"]) == (NOW + 60_000, 12)


def test_an_expired_job_says_whether_it_was_deleted() -> None:
    pending = an_inbox((11, SET_TTL), (12, DELETE)).pending(a_state())
    assert expired(a_state(Status.COMPLETE), pending)["deleted"] is True
    assert expired(a_state(Status.COMPLETE), [])["deleted"] is False


@pytest.mark.parametrize(
    ("state", "retaken", "alive", "tries"),
    [
        (a_state(Status.QUEUED), False, False, 1),
        (a_state(Status.RUNNING, holder="w", tries=1), False, False, 2),
        (a_state(Status.RUNNING, holder="", tries=1), False, False, 1),
        (a_state(Status.RUNNING, holder="w", tries=1), True, False, 1),
        (a_state(Status.RUNNING, holder="w", tries=1), False, True, 1),
    ],
    ids=[
        "the first start",
        "a holder that died",
        "a clean release",
        "a re-take after a fence",
        "a holder alive",
    ],
)
def test_only_a_start_after_a_death_counts_as_one_more_try(
    state: JobState, retaken: bool, alive: bool, tries: int
) -> None:
    assert tries_at_start(state, retaken=retaken, holder_alive=alive) == tries


@given(st.integers(1, 40), st.floats(0, 1))
def test_the_back_off_grows_to_half_a_minute_and_not_beyond(tries: int, random: float) -> None:
    wait = back_off(tries, random)
    assert 0 <= wait <= 30
    assert (wait == 0) == (tries == 1)


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_a_status_changes_only_along_the_table(before: Status, after: Status) -> None:
    state = a_state(before)
    if after in TRANSITIONS[before]:
        assert changed(state, status=after).version == state.version + 1
    else:
        with pytest.raises(ValueError, match="does not go from"):
            changed(state, status=after)


def test_an_ended_job_never_runs_again() -> None:
    for status in ENDED:
        assert TRANSITIONS[status] <= ENDED


@given(
    st.builds(
        MessageHeaders,
        type=st.sampled_from(["meta", "records", "domain_end"]),
        domain=st.none() | st.just("history"),
        batch=st.none() | st.integers(1, 10**6),
        first=st.none() | st.integers(0, 10**9),
        count=st.none() | st.integers(0, 5000),
        next_chunk=st.none() | st.integers(0, 1000),
    )
)
def test_headers_come_back_as_they_were(headers: MessageHeaders) -> None:
    assert decode(dict(headers.encode())) == headers


def test_a_state_with_a_long_error_is_cut_to_its_limit() -> None:
    state = a_state(Status.FAILED, problem={"type": "t", "detail": "x" * 20_000, "trace": "y" * 20_000})
    value = encode_state(state)
    assert len(value) <= MAX_STATE_BYTES
    assert decode_state(value).problem is not None
