"""What a worker may do next with one job: as :mod:`producers.job`, :mod:`producers.hold` and :mod:`producers.attempt` do it, a
request to Kafka at a time. Every decision is :mod:`joblog.protocol`'s own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from joblog import protocol
from joblog.protocol import Inbox, Step, Wanted
from joblog.replay import is_missing, is_whole, replay, rewound
from schemas.jobs import JobState, Status, changed
from tests.model import lines
from tests.model.world import (
    ABORTED,
    COMMITTED,
    LEFT,
    LOG,
    OPEN,
    STANDING,
    STATE,
    STATES,
    TOMBSTONE,
    Run,
    World,
    progress_of,
)

Move = tuple[str, World]
"""What happens, as a sentence, and the world behind it."""


TRUSTING = ("trust what the state counts", "trust an uncommitted state", "checkpoint before the data")
"""The bugs with which nobody looks whether the log has what the state counts: that finds the others' harm as well, and mends it."""


class Broken(Exception):
    """A rule was broken by the very act; the message says which."""


def inbox_of(run: Run) -> Inbox:
    return Inbox([Wanted(*command) for command in run.inbox])


def step_of(world: World, run: Run, state: int) -> Step:
    if state == TOMBSTONE:
        return Step.NOTHING
    return protocol.next_step(STATES[state], inbox_of(run), world.now, world.setup.max_tries)


def holds(run: Run | None) -> bool:
    """Whether a run has its job's id now."""
    return run is not None and run.stage not in ("idle", "over")


def moves(world: World, worker: int, job: int) -> Iterator[Move]:
    """The next request of a live run."""
    run = world.workers[worker].runs[job]
    assert run is not None
    if run.stage == "idle":
        # A run that lost its hold waits for more than a heartbeat: by then it has heard of a rebalance.
        if not (run.retaken and world.workers[worker].news):
            yield from _begin(world, worker, job, run)
    elif run.stage == "read":
        yield from _read(world, worker, job, run)
    elif run.stage == "held":
        yield from _decide(world, worker, job, run)
    elif run.stage == "carried":
        yield _write_state(world, worker, job, run._replace(doing="carried"))
    elif run.stage == "data":
        yield _write_state(world, worker, job, run)
    elif run.stage == "state":
        yield _commit(world, worker, job, run)
    elif run.stage == "owed":
        yield _append(world, worker, job, run, run.doing, "owing")
    elif run.stage == "owing":
        yield _commit(world, worker, job, run)


def patience(world: World, worker: int, job: int) -> Iterator[Move]:
    """What a run does when its deadline passes."""
    run = world.workers[worker].runs[job]
    if run is not None and run.stage == "read" and not _is_readable(world, job, run):
        after = world.copy()
        after.set_run(worker, job, run._replace(stage="idle", retaken=True))
        yield f"{_who(world, worker)} can't read job {job} to its end in time and lets go of it", after


def breaks(world: World, worker: int, job: int) -> Iterator[Move]:
    """The source fails in the middle of a chunk that flows into the open transaction."""
    run = world.workers[worker].runs[job]
    if run is not None and run.stage == "data" and run.doing == "chunk" and _owns(world, worker, job):
        after, text = _abort(world, worker, job, run._replace(began=False, retaken=True))
        yield (
            f"the source of job {job} fails in the middle of a chunk: {_who(world, worker)} aborts{text}",
            after,
        )


def gives_up_waiting(world: World, worker: int, job: int) -> Iterator[Move]:
    """No result came in time."""
    run = world.workers[worker].runs[job]
    if run is None or run.stage != "held" or step_of(world, run, run.state) is not Step.AWAIT_RESULT:
        return
    yield _append(world, worker, job, run, "fail", "data")


def _who(world: World, worker: int) -> str:
    return f"worker {world.name(worker)}"


def _owns(world: World, worker: int, job: int) -> bool:
    return world.owner[world.job_id(job, worker)] == (worker, "run")


def _begin(world: World, worker: int, job: int, run: Run) -> Iterator[Move]:
    view = world.workers[worker].views[job]
    assert view is not None
    after = world.copy()
    if step_of(world, run, view[1]) is Step.REMOVE_TOPIC:
        if not world.is_seen(worker, job):
            return
        remove_topic(after, job, _who(world, worker))
        after.set_run(worker, job, run._replace(gone=True))
        yield f"{_who(world, worker)} removes the topic of job {job}", after
        return
    by = world.job_id(job, worker)
    open_before = world.is_open(by)
    after.take(by, (worker, "run"))
    text = f"{_who(world, worker)} takes the id of job {job}"
    left = end_left_states(after, worker, job, by)
    after.set_run(
        worker,
        job,
        run._replace(
            stage="read",
            end=len(after.jobs[world.setup.jobs[job].partition]),
            log_end=len(after.logs[job] or ()),
        ),
    )
    fenced = world.owner[by]
    if fenced[0] not in (-1, worker):
        text += f": that fences {world.name(fenced[0])}"
        text += ", and aborts what it left open" if open_before else ""
    elif open_before:
        text += " and aborts what was left open"
    yield text + left, after


def end_left_states(after: World, worker: int, job: int, by: int) -> str:
    """Who has taken a job's id ends the states that Kafka left open; what it says of that."""
    left, view = after.standing(by, STATE, LEFT), after.workers[worker].views[job]
    if not left or after.setup.bug == "leave open what Kafka left open":
        return ""
    known = None if view is None else view[0]
    commit = protocol.was_stored(left[-1], known) or after.setup.bug == "commit what Kafka left open"
    after.mark(by, STATE, COMMITTED if commit else ABORTED)
    return f"; {'commits' if commit else 'aborts'} the states of job {job} that Kafka left open"


def _end_left_log(after: World, job: int, by: int, state: JobState) -> str:
    """The same in its log, once the newest committed state is known."""
    left = after.standing(by, LOG, LEFT)
    if not left or after.setup.bug == "leave open what Kafka left open":
        return ""
    commit = is_whole(state, left[-1]) or after.setup.bug == "commit what Kafka left open"
    after.mark(by, LOG, COMMITTED if commit else ABORTED)
    return f"{'commits' if commit else 'aborts'} what Kafka left open in the log and "


def remove_topic(after: World, job: int, who: str) -> None:
    """Raises Broken when the job still lives."""
    states = after.states_of(job)
    if after.logs[job] is not None and states and states[-1] != TOMBSTONE:
        state = STATES[states[-1]]
        if state.status is not Status.EXPIRED:
            raise Broken(f"{who}: the topic of job {job} is removed while the job is {state.status}")
    after.logs = (*after.logs[:job], None, *after.logs[job + 1 :])


def _is_readable(world: World, job: int, run: Run) -> bool:
    if world.setup.bug == "trust an uncommitted state":
        return True
    return world.is_read(world.setup.jobs[job].partition, run.end) and not _is_log_open(world, job, run)


def _is_log_open(world: World, job: int, run: Run) -> bool:
    return any(line.status in STANDING for line in (world.logs[job] or ())[: run.log_end])


def _read(world: World, worker: int, job: int, run: Run) -> Iterator[Move]:
    trusting = world.setup.bug == "trust an uncommitted state"
    if not world.is_read(world.setup.jobs[job].partition, run.end) and not trusting:
        return
    after, by = world.copy(), world.job_id(job, worker)
    look(after, worker, world.setup.jobs[job].partition)
    view = after.workers[worker].views[job]
    who = _who(world, worker)
    if view is None:
        after.set_run(worker, job, run._replace(stage="idle"))
        yield f"{who} reads that there is no job {job}", after
        return
    state, ended = STATES[view[1]], ""
    if world.standing(by, LOG, LEFT):
        if not _owns(world, worker, job):
            yield _fenced(world, worker, job, run)
            return
        ended = _end_left_log(after, job, by, state)
    if _is_log_open(after, job, run) and not trusting:
        return
    carried = _carried_on(after, job, state)
    if carried is not state and not world.lacked_markers:
        raise Broken(f"{who} finds that the log of job {job} says something else than its state")
    stage = "held" if carried is state else "carried"
    number = STATES.number(carried)
    after.set_run(worker, job, run._replace(stage=stage, state=number, began=False, fresh=False))
    done = progress_of(carried).chunks
    text = f"{who} {ended}reads to the end: the state of job {job} is {carried.status}, {done} chunks"
    yield text + ("" if carried is state else ", by what its log says"), after


def _carried_on(world: World, job: int, state: JobState) -> JobState:
    """The state as the log says it; the same object when it stands so."""
    log = world.logs[job]
    if log is None:
        return state
    entries = lines.entries(log, max(0, state.end_offset - 1), len(log), world.setup.jobs[job])
    if is_missing(state, entries) and world.setup.bug not in TRUSTING:
        state = rewound(state)
        entries = lines.entries(log, 0, len(log), world.setup.jobs[job])
    return replay(state, entries)


def look(world: World, worker: int, partition: int) -> None:
    """A worker's view of ``trace.jobs`` moves on to the last stable offset; with a bug, beyond."""
    trusting = world.setup.bug == "trust an uncommitted state"
    for offset, record in enumerate(world.jobs[partition]):
        if not trusting:
            if record.status in STANDING:
                return
            if record.status != COMMITTED:
                continue
        known = world.workers[worker].views[record.job]
        if known is not None and known[0] >= offset:
            continue
        world.set_view(worker, record.job, None if record.state == TOMBSTONE else (offset, record.state))


def _decide(world: World, worker: int, job: int, run: Run) -> Iterator[Move]:
    step = step_of(world, run, run.state)
    spec, state = world.setup.jobs[job], STATES[run.state]
    if step in (Step.NOTHING, Step.REMOVE_TOPIC):
        after = world.copy()
        after.set_run(worker, job, run._replace(stage="idle"))
        yield f"{_who(world, worker)} lets go of job {job}: nothing is left to do", after
    elif world.workers[worker].draining:
        yield _release(world, worker, job, run)
    elif step is Step.EXTRACT and progress_of(state).ended:
        # All of it is in the log, and the state that said so is lost.
        yield _write_state(world, worker, job, run._replace(doing="extracted"))
    elif step is Step.EXTRACT:
        if not run.began and not (run.fresh and spec.chunks == 1):
            yield _write_state(world, worker, job, run._replace(doing=_attempt(world, worker, run)))
        elif world.setup.bug == "checkpoint before the data":
            yield _write_state(world, worker, job, run._replace(doing="chunk"))
        else:
            yield _append(world, worker, job, run, "chunk", "data")
    elif step is Step.AWAIT_RESULT:
        if world.standing(world.job_id(job, worker), LOG, LEFT):
            after = world.copy()
            after.set_run(worker, job, run._replace(stage="idle", retaken=True))
            yield (
                f"{_who(world, worker)} finds that the log of job {job} stands open still and lets go",
                after,
            )
        elif world.results[job] == state.end_offset:
            yield _append(world, worker, job, run, "complete", "data")
    elif step in (Step.CANCEL, Step.GIVE_UP):
        yield _append(world, worker, job, run, "cancel" if step is Step.CANCEL else "fail", "data")
    else:
        yield _write_state(world, worker, job, run._replace(doing=str(step)))


def _release(world: World, worker: int, job: int, run: Run) -> Move:
    """The worker leaves: a job that runs gets a state without a holder, so that its next start is no try."""
    state = STATES[run.state]
    if not state.ended and state.status is not Status.QUEUED and state.holder:
        return _write_state(world, worker, job, run._replace(doing="release"))
    after = world.copy()
    after.set_run(worker, job, run._replace(stage="idle"))
    return f"{_who(world, worker)} lets go of job {job}: it is about to leave", after


def _attempt(world: World, worker: int, run: Run) -> str:
    return "attempt" if _tries(world, worker, run) <= world.setup.max_tries else "exhausted"


def _tries(world: World, worker: int, run: Run) -> int:
    state = STATES[run.state]
    alive = state.status is not Status.QUEUED and any(
        (each.alive and world.name(number) == state.holder) or each.ghost
        for number, each in enumerate(world.workers)
    )
    return protocol.tries_at_start(state, retaken=run.retaken, holder_alive=alive)


def _to_append(world: World, job: int, run: Run, doing: str) -> list[str | int]:
    spec, state = world.setup.jobs[job], STATES[run.state]
    if doing == "chunk":
        chunk = progress_of(state).chunks
        if world.setup.bug == "checkpoint before the data" and run.stage == "owed":
            chunk -= 1
        return lines.chunk_lines(spec, chunk)
    if doing == "complete":
        return [lines.AGGREGATION, lines.COMPLETE]
    head: list[str | int] = [] if state.first_offset is not None else [lines.META]
    return [*head, lines.CANCELLED if doing == "cancel" else lines.ERROR]


def _append(world: World, worker: int, job: int, run: Run, doing: str, stage: str) -> Move:
    """Begins a transaction and appends its messages to the job's topic."""
    if not _owns(world, worker, job):
        return _fenced(world, worker, job, run)
    after = world.copy()
    if after.logs[job] is None:
        if doing == "chunk" and stage == "data":
            return _fenced(world, worker, job, run)
        after.logs = (*after.logs[:job], (), *after.logs[job + 1 :])
    kinds = _to_append(world, job, run, doing)
    for kind in kinds:
        after.write_line(job, kind, world.job_id(job, worker))
    after.set_run(worker, job, run._replace(stage=stage, doing=doing))
    return f"{_who(world, worker)} appends to job {job}: {lines.told(kinds)} (uncommitted)", after


def _abort(world: World, worker: int, job: int, run: Run) -> tuple[World, str]:
    """Drops what was appended; lets go when it stands open still, or when the marker ended what was counted too."""
    after = world.copy()
    by = world.job_id(job, worker)
    after.end(by, ABORTED)
    if after.standing(by, LOG, LEFT) and after.setup.bug != "go on behind an abort without a marker":
        after.set_run(worker, job, run._replace(stage="idle", fresh=False, retaken=True))
        return after, ", finds that it stands open still and lets go"
    log = after.logs[job] or ()
    newest = STATES[run.state].end_offset - 1
    if newest >= 0 and log[newest].status != COMMITTED and after.setup.bug not in TRUSTING:
        after.set_run(worker, job, run._replace(stage="idle", fresh=False, retaken=True))
        return after, ", finds that what was committed before is gone too and lets go"
    after.set_run(worker, job, run._replace(stage="held", fresh=False))
    return after, ""


def _fenced(world: World, worker: int, job: int, run: Run) -> Move:
    after = world.copy()
    text = f"{_who(world, worker)} finds itself fenced from job {job}"
    if world.setup.bug == "walk away when fenced":
        after.set_run(worker, job, run._replace(stage="over"))
        return f"{text} and walks away", after
    after.set_run(worker, job, run._replace(stage="idle", retaken=True))
    return f"{text}, lets go and will look again", after


def _changes(world: World, worker: int, job: int, run: Run) -> dict[str, Any]:
    """The changes of the state that the transaction under way commits, with the commands that have come in."""
    state, spec = STATES[run.state], world.setup.jobs[job]
    pending, now, doing = inbox_of(run).pending(state), world.now, run.doing
    if doing == "release":
        return {"holder": ""}
    if doing == "carried":
        return {}
    if doing == Step.APPLY_TTL:
        return protocol.applied(state, pending)
    if doing == Step.EXPIRE:
        return protocol.expired(state, pending)
    if doing == "cancel":
        return protocol.ended(state, Status.CANCELLED, pending, now)
    if doing in ("fail", "exhausted"):
        return protocol.ended(state, Status.FAILED, pending, now)
    if doing == "complete":
        return protocol.ended(state, Status.COMPLETE, pending, now)
    ttl, last = protocol.apply_ttls(state, pending)
    changes: dict[str, Any] = {"holder": world.name(worker), "ttl_seconds": ttl, "last_command": last}
    if doing == "extracted":
        return {"status": Status.EXTRACTED, "tries": 0, **changes}
    if doing == "attempt":
        return {"status": Status.RUNNING, "tries": _tries(world, worker, run), **changes}
    done = progress_of(state)
    chunk = done.chunks + 1
    last_one = chunk == spec.chunks
    progress = msgspec.structs.replace(
        done,
        chunks=chunk,
        records=chunk,
        batches=chunk,
        started=True,
        ended=last_one,
        total_chunks=spec.chunks,
    )
    changes |= {"status": Status.RUNNING, "tries": 0, "progress": (progress,)}
    if last_one and spec.aggregated:
        changes["status"] = Status.EXTRACTED
    elif last_one:
        changes |= protocol.ended(state, Status.COMPLETE, pending, now)
    return changes


def _write_state(world: World, worker: int, job: int, run: Run) -> Move:
    """The last write of a transaction, or its only one."""
    if run.doing == "exhausted":
        return _append(world, worker, job, run, "fail", "data")
    if not _owns(world, worker, job):
        return _fenced(world, worker, job, run)
    after, by, who = world.copy(), world.job_id(job, worker), _who(world, worker)
    state = STATES[run.state]
    if run.stage == "data" and run.doing == "chunk" and inbox_of(run).wants_end(state):
        after, text = _abort(world, worker, job, run)
        return f"{who} aborts the chunk of job {job}{text}: the job is to end", after
    changes = _changes(world, worker, job, run)
    log = after.logs[job]
    if run.doing == "attempt" and log is None:
        after.logs = (*after.logs[:job], (), *after.logs[job + 1 :])
    if run.stage == "data" and log is not None:
        own = [offset for offset, line in enumerate(log) if line.by == by and line.status == OPEN]
        changes["end_offset"] = own[-1] + 1
        if state.first_offset is None:
            changes["first_offset"] = own[0]
    elif run.doing == "chunk":
        changes["end_offset"] = len(log or ()) + len(_to_append(world, job, run, "chunk"))
        changes["first_offset"] = 0
    try:
        following = changed(state, **changes)
    except ValueError as error:
        raise Broken(str(error)) from error
    number = STATES.number(following)
    after.write_state(job, number, by)
    after.set_run(worker, job, run._replace(stage="state"))
    text = f"{who} writes the state of job {job}: {following.status}"
    if following.status is Status.RUNNING:
        text += f", {progress_of(following).chunks} chunks, {following.tries} tries"
    return f"{text} (uncommitted)", after


def _commit(world: World, worker: int, job: int, run: Run) -> Move:
    if not _owns(world, worker, job):
        return _fenced(world, worker, job, run)
    after, by, who = world.copy(), world.job_id(job, worker), _who(world, worker)
    partition = world.setup.jobs[job].partition
    after.end(by, COMMITTED)
    if run.stage == "owing":
        after.set_run(worker, job, run._replace(stage="held"))
        return f"{who} commits the data of job {job}", after
    offset = next(
        number
        for number, record in reversed(tuple(enumerate(world.jobs[partition])))
        if record.by == by and record.job == job and record.status == OPEN
    )
    state = world.jobs[partition][offset].state
    after.set_view(worker, job, (offset, state))
    began = run.began or run.doing in ("attempt", "chunk")
    early = world.setup.bug == "checkpoint before the data" and run.doing == "chunk"
    stage = "owed" if early else "held"
    after.set_run(
        worker,
        job,
        run._replace(
            stage=stage,
            state=state,
            began=began,
            fresh=run.fresh and not began,
            doing="chunk" if early else "",
        ),
    )
    return f"{who} commits: job {job} is {STATES[state].status}", after
