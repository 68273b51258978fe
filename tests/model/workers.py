"""What a worker may do next: take partitions over, admit, hand commands to jobs, as :mod:`producers.partition`
does it, a request to Kafka at a time; its jobs and chores stand in modules of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from joblog import protocol
from joblog.protocol import Wanted
from schemas.commands import SUBMIT
from tests.model import chores, jobruns
from tests.model.jobruns import Move, holds, inbox_of, look
from tests.model.upkeep import backlog_of, start, tidy, unfinished_of, who_is
from tests.model.world import (
    ABORTED,
    COMMITTED,
    HOUR,
    LEFT,
    NOT_PENDING,
    OPEN,
    STANDING,
    STATE,
    STATES,
    Part,
    World,
    nobody,
    put,
    queued,
)


def moves(world: World, worker: int) -> Iterator[Move]:
    """Every next request of a live worker; its jobs, partitions and chores go on side by side."""
    each = world.workers[worker]
    if each.news and not each.draining:
        yield _learn(world, worker)
    for job, run in enumerate(each.runs):
        if run is not None:
            for text, after in jobruns.moves(world, worker, job):
                tidy(after, worker)
                yield text, after
    if each.draining:
        if not any(run is not None and run.stage != "over" for run in each.runs):
            yield from _leaves(world, worker)
        return
    for partition, part in enumerate(each.parts):
        if part is not None:
            for text, after in _partition_moves(world, worker, partition, part):
                tidy(after, worker)
                yield text, after
    yield from _follows(world, worker)
    yield from chores.burials(world, worker)
    yield from chores.sweeps(world, worker)


def patience(world: World, worker: int) -> Iterator[Move]:
    """What it does when a deadline passes."""
    each = world.workers[worker]
    for partition, part in enumerate(each.parts):
        if part is not None and part.stage == "read" and not _is_readable(world, partition, part.end):
            after = world.copy()
            after.set_part(worker, partition, part._replace(stage="admit", again=True))
            yield (
                f"{who_is(world, worker)} can't read partition {partition} to its end in time and begins again",
                after,
            )
    # Behind the partitions: a run tries again and again, and it is the owner that ends what others left open.
    for job in range(len(each.runs)):
        for text, after in jobruns.patience(world, worker, job):
            tidy(after, worker)
            yield text, after
    if each.chore is not None and each.chore.stage == "read":
        after = world.copy()
        after.set_worker(worker, chore=None)
        yield f"{who_is(world, worker)} leaves its chore for another time", after


def _safe(world: World, part: Part) -> int:
    return part.position if world.setup.bug == "commit the command early" else backlog_of(part).safe


def _learn(world: World, worker: int) -> Move:
    after = world.copy()
    after.set_worker(worker, news=False, chore=None)
    owned = [partition for partition, owner in enumerate(world.assigned) if owner == worker]
    # The former life of a restarted worker may still stand in the group's assignment.
    if world.workers[worker].ghost:
        owned = []
    for partition, part in enumerate(world.workers[worker].parts):
        if partition in owned:
            after.set_part(
                worker, partition, Part() if part is None else part._replace(stage="admit", admitting=None)
            )
        elif part is not None:
            after.set_part(worker, partition, None)
            for job, spec in enumerate(world.setup.jobs):
                if spec.partition == partition:
                    after.set_run(worker, job, None)
                    after.set_view(worker, job, None)
    names = ", ".join(map(str, owned)) or "none"
    return f"{who_is(world, worker)} learns that it owns the partitions: {names}", after


def _leaves(world: World, worker: int) -> Iterator[Move]:
    """It has let go of every job: it leaves the group, which shares out what it had."""
    each = world.workers[worker]
    heirs = [number for number, other in enumerate(world.workers) if other.alive and number != worker]
    after = world.copy()
    gone = nobody(world.setup)._replace(alive=False, life=each.life, ghost=each.ghost)
    after.workers = put(after.workers, worker, gone)
    if not heirs:
        after.set_worker(worker, ghost=True)
        yield f"{who_is(world, worker)} leaves the group, which has no other member", after
    for heir in heirs:
        shared = after.copy()
        shared.assigned = tuple(heir if owner == worker else owner for owner in world.assigned)
        for number in heirs:
            shared.set_worker(number, news=True)
        yield f"{who_is(world, worker)} leaves the group; worker {world.name(heir)} gets what it had", shared


def _is_readable(world: World, partition: int, end: int) -> bool:
    return world.setup.bug == "trust an uncommitted state" or world.is_read(partition, end)


def _partition_moves(world: World, worker: int, partition: int, part: Part) -> Iterator[Move]:
    who = who_is(world, worker)
    if part.stage == "admit":
        # Begun again after more than a heartbeat: by then it has heard of a rebalance.
        if part.again and world.workers[worker].news:
            return
        after = world.copy()
        by = world.admit_id(partition)
        after.take(by, (worker, "admit"))
        position = world.committed[partition]
        after.set_part(worker, partition, Part(stage="scan", position=position, committed=position))
        yield f"{who} takes admit.{partition} and goes on from command {position}", after
    elif part.stage == "scan":
        yield _end_foreign_transactions(world, worker, partition, part)
    elif part.stage == "read":
        if _is_readable(world, partition, part.end):
            yield _take_up_jobs(world, worker, partition, part)
        return
    if part.stage == "serve" and part.admitting is None:
        yield from _watch(world, worker, partition, part)
    if part.stage != "serve":
        return
    if part.admitting is not None:
        yield _admit(world, worker, partition, part, part.admitting)
    elif part.position < len(world.commands[partition]):
        yield _next_command(world, worker, partition, part)
    elif _safe(world, part) > part.committed or world.committed[partition] < part.committed:
        # The second: an owner with nothing to write renews what it has written, after an hour.
        yield _commit_finished(world, worker, partition, part)


def _end_foreign_transactions(world: World, worker: int, partition: int, part: Part) -> Move:
    """Takes each id with records behind the last stable offset that no live run of its own holds."""
    after = world.copy()
    if world.standing(world.admit_id(partition), STATE, LEFT) and not _owns(world, worker, partition):
        return _fenced(world, worker, partition, part)
    told = _end_open(after, worker, partition, part.position)
    after.set_part(worker, partition, part._replace(stage="read", end=len(world.jobs[partition])))
    return f"{who_is(world, worker)} {told}", after


def _owns(world: World, worker: int, partition: int) -> bool:
    return world.owner[world.admit_id(partition)] == (worker, "admit")


def _end_open(after: World, worker: int, partition: int, position: int) -> str:
    """Takes each id with records behind the last stable offset that no live run of its own holds, and ends what Kafka left open."""
    records = after.jobs[partition]
    stable = next((n for n, record in enumerate(records) if record.status in STANDING), len(records))
    found = {record.job for record in records[stable:]}
    taken = [job for job in sorted(found) if not holds(after.workers[worker].runs[job])]
    if after.setup.bug == "leave foreign transactions open":
        taken = []
    told = f"finds no foreign transaction open in partition {partition}"
    if taken:
        jobs = ", ".join(f"job {job}" for job in taken)
        told = f"finds transactions open in partition {partition} and takes the ids of {jobs}"
    for job in taken:
        by = after.job_id(job, worker)
        after.take(by, (worker, "foreign"))
        told += jobruns.end_left_states(after, worker, job, by)
    return told + _end_left_admission(after, worker, partition, position)


def _end_left_admission(after: World, worker: int, partition: int, position: int) -> str:
    by = after.admit_id(partition)
    left = after.standing(by, STATE, LEFT)
    if not left or after.setup.bug == "leave open what Kafka left open":
        return ""
    records = [after.jobs[partition][offset] for offset in left]
    views = [after.workers[worker].views[record.job] for record in records]
    own = any(
        protocol.was_stored(offset, None if view is None else view[0])
        for offset, view in zip(left, views, strict=True)
    )
    commit = own or protocol.was_admitted([STATES[record.state] for record in records], position)
    commit = commit or after.setup.bug == "commit what Kafka left open"
    after.mark(by, STATE, COMMITTED if commit else ABORTED)
    return f"; {'commits' if commit else 'aborts'} the admission that Kafka left open"


def _watch(world: World, worker: int, partition: int, part: Part) -> Iterator[Move]:
    """It ends what stands open for so long that nobody can be about to end it."""
    first = next((record for record in world.jobs[partition] if record.status in STANDING), None)
    if first is None or first.status != LEFT:
        return
    if world.standing(world.admit_id(partition), STATE, LEFT) and not _owns(world, worker, partition):
        yield _fenced(world, worker, partition, part)
        return
    after = world.copy()
    told = _end_open(after, worker, partition, part.committed)
    if after.jobs != world.jobs:
        yield f"{who_is(world, worker)} looks again, {told}", after


def _take_up_jobs(world: World, worker: int, partition: int, part: Part) -> Move:
    after = world.copy()
    look(after, worker, partition)
    taken = []
    for job, view in enumerate(after.workers[worker].views):
        if view is None or world.setup.jobs[job].partition != partition:
            continue
        state = STATES[view[1]]
        if protocol.is_taken_up(state, topic_stands=world.logs[job] is not None, now_ms=world.now):
            start(after, worker, job)
            taken.append(f"job {job} ({state.status})")
    after.set_part(worker, partition, part._replace(stage="serve"))
    jobs = ", ".join(taken) or "no job"
    return f"{who_is(world, worker)} has read partition {partition} and takes up {jobs}", after


def _fenced(world: World, worker: int, partition: int, part: Part) -> Move:
    after = world.copy()
    after.set_part(worker, partition, part._replace(stage="admit", admitting=None, again=True))
    return f"{who_is(world, worker)} finds itself fenced from admit.{partition} and begins again", after


def _next_command(world: World, worker: int, partition: int, part: Part) -> Move:
    offset = part.position
    command = world.commands[partition][offset]
    backlog = backlog_of(part)
    backlog.take(offset)
    part = part._replace(position=backlog.position)
    view = world.workers[worker].views[command.job]
    state = None if view is None else STATES[view[1]]
    who, what = who_is(world, worker), f"command {offset} ({command.kind} of job {command.job})"
    after = world.copy()
    if world.setup.bug == "commit the command early" and world.owner[world.admit_id(partition)] == (
        worker,
        "admit",
    ):
        after.committed = put(after.committed, partition, part.position)
        part = part._replace(committed=part.position)
        what += " and commits its offset"
    if command.kind == SUBMIT:
        known = state is not None and world.setup.bug != "admit what is known"
        age, retention = world.now - command.hour * HOUR, world.setup.retention_hours * HOUR
        admitted = protocol.is_admitted(known=known, age_ms=age, retention_ms=retention)
        if admitted:
            part = part._replace(admitting=(offset, command.job, "read", False))
        after.set_part(worker, partition, part)
        return f"{who} reads {what}" + ("" if admitted else ", which is known, and passes it over"), after
    wanted = Wanted(offset, command.kind, command.ttl_hours * 3600)
    if not protocol.concerns(wanted, state) and world.is_seen(worker, command.job):
        after.set_part(worker, partition, part)
        return f"{who} reads {what}, which leaves nothing to do", after
    backlog.hold(offset, str(command.job))
    after.set_part(worker, partition, part._replace(unfinished=unfinished_of(backlog)))
    start(after, worker, command.job)
    run = after.workers[worker].runs[command.job]
    assert run is not None
    inbox = inbox_of(run)
    inbox.add(wanted)
    kept = tuple((each.offset, each.kind, each.ttl_seconds) for each in inbox.commands)
    after.set_run(worker, command.job, run._replace(inbox=kept))
    return f"{who} reads {what} and hands it to the job", after


def _admit(
    world: World, worker: int, partition: int, part: Part, admitting: tuple[int, int, str, bool]
) -> Move:
    """The topic and the id ahead, then the group's offset and ``queued``, then the commit."""
    offset, job, stage, fresh = admitting
    who, by = who_is(world, worker), world.admit_id(partition)
    after = world.copy()
    if stage == "read":
        fresh = world.logs[job] is None
        if fresh:
            after.logs = put(after.logs, job, ())
        after.take(world.job_id(job, worker), (worker, "run" if fresh else "ahead"))
        after.set_part(worker, partition, part._replace(admitting=(offset, job, "ahead", fresh)))
        return f"{who} takes the id of job {job} ahead" + (" and makes its topic" if fresh else ""), after
    if world.owner[by] != (worker, "admit"):
        return _fenced(world, worker, partition, part)
    if (
        stage == "ahead"
        and world.standing(by, STATE, LEFT)
        and world.setup.bug != "admit behind what is left open"
    ):
        after.set_part(worker, partition, part._replace(stage="admit", admitting=None, again=True))
        return f"{who} can't read its admission before in time and begins partition {partition} again", after
    if stage == "ahead":
        after.pending = put(after.pending, partition, _safe(world, part))
        after.write_state(job, queued(world, job, offset), by)
        after.set_part(worker, partition, part._replace(admitting=(offset, job, "sent", fresh)))
        return f"{who} sends the offset {_safe(world, part)} and queued for job {job} (uncommitted)", after
    at = next(
        number
        for number, record in reversed(tuple(enumerate(world.jobs[partition])))
        if record.by == by and record.status == OPEN
    )
    committed = world.pending[partition]
    after.end(by, COMMITTED)
    state = world.jobs[partition][at].state
    after.set_view(worker, job, (at, state))
    part = part._replace(admitting=None, committed=part.committed if committed == NOT_PENDING else committed)
    after.set_part(worker, partition, part)
    start(after, worker, job)
    run = after.workers[worker].runs[job]
    if fresh and run is not None and run.stage == "idle":
        after.set_run(worker, job, run._replace(stage="held", state=state, fresh=True))
    return f"{who} commits: job {job} is admitted", after


def _commit_finished(world: World, worker: int, partition: int, part: Part) -> Move:
    if world.owner[world.admit_id(partition)] != (worker, "admit"):
        return _fenced(world, worker, partition, part)
    after, safe = world.copy(), _safe(world, part)
    after.committed = put(after.committed, partition, safe)
    after.set_part(worker, partition, part._replace(committed=safe))
    return f"{who_is(world, worker)} commits the group's offset {safe}", after


def _follows(world: World, worker: int) -> Iterator[Move]:
    """It reads what others have committed; what it has committed itself it knows."""
    for partition, part in enumerate(world.workers[worker].parts):
        if part is None or part.stage not in ("read", "serve"):
            continue
        after = world.copy()
        look(after, worker, partition)
        tidy(after, worker)
        if after.workers != world.workers:
            yield f"{who_is(world, worker)} follows partition {partition} to its last stable offset", after
