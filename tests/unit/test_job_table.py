"""The jobs as a gateway knows them: states, and the commands that lie over them (gateway.jobtable)."""

from __future__ import annotations

import os
import tracemalloc
from typing import Any

import msgspec
import pytest

from gateway.jobtable import JobTable
from schemas.commands import CANCEL, DELETE, SET_TTL, Request, SetTtl, command_headers, submit_headers
from schemas.jobs import CommandPlace, DomainProgress, JobState, Status, changed, encode_state, new_state
from schemas.topics import Names, new_job_id

NAMES = Names("t.")
NOW = 1_790_000_000_000


def request(number: int = 0, **changes: Any) -> Request:
    made = Request(
        job_id=new_job_id(NOW + number, os.urandom(10)),
        domains=("history",),
        cid_count=3,
        duplicates_dropped=0,
        batch_size=5000,
        ttl_seconds=3600,
        principal="127.0.0.1",
        request_hash="0" * 64,
        submitted_at=NOW + number,
    )
    return msgspec.structs.replace(made, **changes)


def state_of(asked: Request, offset: int = 0) -> JobState:
    return new_state(asked, CommandPlace(0, offset), NAMES.job(asked.job_id))


@pytest.fixture
def table() -> JobTable:
    return JobTable(NAMES, 86_400)


def submit(table: JobTable, asked: Request, offset: int = 0) -> bool:
    headers = dict(submit_headers(asked))
    return table.put_command(asked.job_id, CommandPlace(0, offset), headers, None)


def command(table: JobTable, job_id: str, kind: str, offset: int, value: bytes = b"") -> bool:
    return table.put_command(job_id, CommandPlace(0, offset), dict(command_headers(kind)), value)


def status(table: JobTable, job_id: str) -> Status:
    state = table.state(job_id)
    assert state is not None
    return state.status


def test_a_submit_without_a_state_is_queued_at_version_0(table: JobTable) -> None:
    asked = request()
    assert submit(table, asked, 7)
    state = table.state(asked.job_id)
    assert state is not None
    assert (state.status, state.version, state.request) == (Status.QUEUED, 0, asked)
    assert state.command == CommandPlace(0, 7)


def test_the_first_submit_of_a_job_id_decides(table: JobTable) -> None:
    first = request()
    second = msgspec.structs.replace(first, request_hash="1" * 64)
    assert submit(table, first, 1)
    assert not submit(table, second, 2)
    state = table.state(first.job_id)
    assert state is not None
    assert state.request.request_hash == first.request_hash


def test_a_submit_read_again_behind_its_state_changes_nothing(table: JobTable) -> None:
    asked = request()
    running = changed(state_of(asked), status=Status.RUNNING)
    assert table.put_state(asked.job_id, 5, encode_state(running))
    assert not submit(table, asked)
    assert table.state(asked.job_id) == running


def test_states_move_only_forward_in_offset(table: JobTable) -> None:
    asked = request()
    queued = state_of(asked)
    running = changed(queued, status=Status.RUNNING)
    assert table.put_state(asked.job_id, 9, encode_state(running))
    assert not table.put_state(asked.job_id, 8, encode_state(queued))
    assert status(table, asked.job_id) is Status.RUNNING


def test_a_tombstone_removes_the_job(table: JobTable) -> None:
    asked = request()
    table.put_state(asked.job_id, 1, encode_state(state_of(asked)))
    assert table.put_state(asked.job_id, 2, None)
    assert table.state(asked.job_id) is None
    assert (table.alive, +table.by_status, table.queued_by_principal) == (0, {}, {})


def test_a_deleted_job_is_expired_as_soon_as_the_command_is_read(table: JobTable) -> None:
    asked = request()
    running = changed(state_of(asked, 1), status=Status.RUNNING)
    table.put_state(asked.job_id, 3, encode_state(running))
    assert command(table, asked.job_id, DELETE, 2)
    state = table.state(asked.job_id)
    assert state is not None
    assert (state.status, state.deleted) == (Status.EXPIRED, True)
    assert state.version > running.version
    assert table.alive == 0
    assert not command(table, asked.job_id, DELETE, 2)


def test_a_delete_read_before_its_job_is_remembered(table: JobTable) -> None:
    asked = request()
    command(table, asked.job_id, DELETE, 4)
    assert table.state(asked.job_id) is None
    table.put_state(asked.job_id, 1, encode_state(state_of(asked, 3)))
    assert status(table, asked.job_id) is Status.EXPIRED


def test_a_delete_of_a_former_job_of_that_id_does_not_count(table: JobTable) -> None:
    asked = request()
    command(table, asked.job_id, DELETE, 4)
    submit(table, asked, 5)
    assert status(table, asked.job_id) is Status.QUEUED


def test_a_cancel_changes_nothing_before_the_worker_has_done_it(table: JobTable) -> None:
    asked = request()
    submit(table, asked, 1)
    assert not command(table, asked.job_id, CANCEL, 2)
    assert status(table, asked.job_id) is Status.QUEUED


def test_a_new_life_shows_at_once_and_until_a_later_state_carries_it(table: JobTable) -> None:
    asked = request()
    ended = changed(
        changed(state_of(asked, 1), status=Status.RUNNING),
        status=Status.COMPLETE,
        ended_at=NOW,
        expires_at=NOW + 3_600_000,
    )
    table.put_state(asked.job_id, 1, encode_state(ended))
    command(table, asked.job_id, SET_TTL, 2, msgspec.json.encode(SetTtl(60)))
    shown = table.state(asked.job_id)
    assert shown is not None
    assert (shown.ttl, shown.expires_at, shown.version) == (60, NOW + 60_000, ended.version)
    carried = changed(ended, ttl_seconds=90, last_command=3, expires_at=NOW + 90_000)
    table.put_state(asked.job_id, 2, encode_state(carried))
    assert table.state(asked.job_id) == carried


def test_a_command_that_makes_no_sense_is_passed_over(table: JobTable) -> None:
    asked = request()
    submit(table, asked, 1)
    assert not command(table, asked.job_id, SET_TTL, 2, b"?")
    assert not command(table, asked.job_id, "shout", 3)
    assert not table.put_command(asked.job_id, CommandPlace(0, 4), {}, b"")
    assert not table.put_command("x", CommandPlace(0, 5), {"type": b"submit", "request": b"{"}, b"")
    assert table.state("x") is None


def test_jobs_are_listed_newest_first_without_those_that_have_expired(table: JobTable) -> None:
    asked = [request(number) for number in range(5)]
    for offset, each in enumerate(asked):
        submit(table, each, offset)
    command(table, asked[3].job_id, DELETE, 9)
    ids = [state.job_id for state in table.newest(None, None)]
    assert ids == [asked[n].job_id for n in (4, 2, 1, 0)]
    behind = table.place_of(asked[3].job_id)
    assert [state.job_id for state in table.newest(None, behind)] == ids[1:]


def test_the_list_may_be_of_one_status(table: JobTable) -> None:
    waiting, running = request(1), request(2)
    submit(table, waiting)
    table.put_state(running.job_id, 1, encode_state(changed(state_of(running), status=Status.RUNNING)))
    assert [s.job_id for s in table.newest(Status.RUNNING, None)] == [running.job_id]
    assert [s.job_id for s in table.newest(Status.QUEUED, None)] == [waiting.job_id]
    assert not list(table.newest(Status.EXPIRED, None))


def test_queued_jobs_have_a_place_in_the_queue_and_count_for_their_principal(table: JobTable) -> None:
    first, second = request(1), request(2, principal="10.0.0.1")
    submit(table, first)
    submit(table, second)

    def position(asked: Request) -> int | None:
        state = table.state(asked.job_id)
        assert state is not None
        return table.queue_position(state)

    assert (position(first), position(second)) == (1, 2)
    table.put_state(first.job_id, 1, encode_state(changed(state_of(first), status=Status.RUNNING)))
    assert (position(first), position(second)) == (None, 1)
    assert table.queued_by_principal == {"10.0.0.1": 1}
    assert (table.by_status[Status.RUNNING], table.by_status[Status.QUEUED], table.alive) == (1, 1, 2)


def test_a_submit_that_nobody_admitted_in_the_retention_of_commands_is_forgotten(table: JobTable) -> None:
    lost, admitted = request(1), request(2)
    submit(table, lost)
    table.put_state(admitted.job_id, 1, encode_state(state_of(admitted)))
    later = NOW + 86_400_000 + 10
    assert table.forget_lost(NOW) == []
    assert table.forget_lost(later) == [lost.job_id]
    assert table.state(lost.job_id) is None
    assert table.state(admitted.job_id) is not None


def test_a_job_costs_less_than_2_kb() -> None:
    count = 10_000
    tracemalloc.start()
    try:
        table = JobTable(NAMES, 86_400)
        for number in range(count):
            asked = request(number, domains=("history", "materials"), cid_count=114_892, aggregation="msd")
            progress = tuple(
                DomainProgress(domain, 115, 115, 500_000, 101, 785_000_000, 0, True, True)
                for domain in asked.domains
            )
            state = changed(
                changed(state_of(asked, number), status=Status.RUNNING),
                status=Status.EXTRACTED,
                progress=progress,
                holder="tracestream-worker-some-host-name-0123abcd",
                scn=123_456_789,
                first_offset=0,
                end_offset=1234,
                started_at=NOW,
            )
            table.put_state(asked.job_id, number, bytes(encode_state(state)))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert table.alive == count
    assert held / count < 2000
