"""A state that was lost is carried on over its log."""

from __future__ import annotations

import pytest

from joblog.replay import Entry, is_missing, is_whole, replay, rewound
from schemas import messages
from schemas.headers import MessageHeaders
from schemas.jobs import Status
from tests.unit.test_protocol import NOW, a_state

RECORDS = MessageHeaders(messages.RECORDS, "history", 1, 0, 1200, 1)
LOG = [
    Entry(0, NOW, 100, MessageHeaders(messages.META)),
    Entry(1, NOW, 100, MessageHeaders(messages.DOMAIN_START, "history", next_chunk=0)),
    Entry(2, NOW, 900, RECORDS),
]


def test_a_log_behind_its_state_carries_the_state_on() -> None:
    state = replay(a_state(), LOG)
    history, materials = state.progress
    assert (state.status, state.first_offset, state.end_offset) == (Status.RUNNING, 0, 3)
    assert (history.started, history.records, history.chunks, history.bytes) == (True, 1200, 1, 900)
    assert not materials.started


def test_a_domain_that_has_ended_is_not_read_again_though_only_the_log_knows_how_many_chunks_it_had() -> None:
    end = MessageHeaders(messages.DOMAIN_END, "history", count=1200, next_chunk=3)
    history, _ = replay(a_state(), [*LOG, Entry(3, NOW, 50, end)]).progress
    assert (history.ended, history.chunks, history.total_chunks) == (True, 3, 3)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (messages.COMPLETE, Status.COMPLETE),
        (messages.ERROR, Status.FAILED),
        (messages.CANCELLED, Status.CANCELLED),
    ],
)
def test_a_terminal_message_in_the_log_ends_the_state_and_begins_its_life(kind: str, status: Status) -> None:
    state = replay(a_state(Status.RUNNING), [Entry(9, NOW, 50, MessageHeaders(kind))])
    assert state.status is status
    assert (state.ended_at, state.expires_at) == (NOW, NOW + 3600 * 1000)


def test_a_state_without_a_log_behind_it_stays_the_same_object() -> None:
    state = a_state(Status.RUNNING)
    assert replay(state, []) is state


def test_messages_that_the_state_counts_change_nothing() -> None:
    state = replay(a_state(), LOG)
    assert replay(state, LOG[2:]) is state


def test_what_kafka_left_open_in_a_log_was_committed_when_the_state_counts_all_of_it() -> None:
    state = replay(a_state(), LOG)
    assert is_whole(state, 2)
    assert not is_whole(state, 3)


def test_a_log_without_the_newest_message_that_its_state_counts_sets_the_state_back_to_what_there_is() -> (
    None
):
    state = replay(
        a_state(), [*LOG, Entry(5, NOW, 900, MessageHeaders(messages.RECORDS, "history", 2, 1200, 1200, 2))]
    )
    assert is_missing(state, [])
    assert not is_missing(state, [Entry(5, NOW, 900, RECORDS)])
    back = replay(rewound(state), LOG)
    assert (back.status, back.end_offset, back.progress[0].chunks) == (Status.RUNNING, 3, 1)


def test_a_job_that_has_ended_or_has_no_log_yet_misses_nothing() -> None:
    assert not is_missing(a_state(), [])
    assert not is_missing(replay(a_state(), [Entry(9, NOW, 50, MessageHeaders(messages.COMPLETE))]), [])
