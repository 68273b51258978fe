"""A state that was lost is carried on over its log."""

from __future__ import annotations

import pytest

from joblog.replay import Entry, replay
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
