"""Everything around the workers: clients and their gateways, the processor, the group's coordinator, faults, the clock."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.commands import SUBMIT
from schemas.jobs import Status
from tests.model import chores, jobruns, lines, upkeep, workers
from tests.model.jobruns import Move
from tests.model.world import (
    ABORTED,
    NOBODY,
    NONE_UNMARKED,
    STATES,
    TOMBSTONE,
    Command,
    World,
    nobody,
    put,
)


def moves(world: World) -> Iterator[Move]:
    """Everything that may happen next."""
    yield from healing(world)
    yield from harm(world)


def healing(world: World) -> Iterator[Move]:
    """What happens by itself as long as nothing goes wrong."""
    yield from _returns(world)
    for number, worker in enumerate(world.workers):
        if worker.alive:
            yield from workers.moves(world, number)
    yield from _folds(world)


def patience(world: World) -> Iterator[Move]:
    """Deadlines that pass."""
    for number, worker in enumerate(world.workers):
        if worker.alive:
            yield from workers.patience(world, number)


def sweeping(world: World) -> Iterator[Move]:
    """The hourly sweep, where topics stand that belong to no job or to one that is expired."""
    for job in range(len(world.setup.jobs)):
        states = world.states_of(job)
        gone = not states or states[-1] == TOMBSTONE or STATES[states[-1]].status is Status.EXPIRED
        if world.logs[job] is not None and gone:
            after = world.copy()
            after.left = after.left._replace(sweeps=1)
            for number, worker in enumerate(world.workers):
                if worker.alive and worker.parts[world.setup.jobs[job].partition] is not None:
                    yield from chores.sweeps(after, number)


def harm(world: World) -> Iterator[Move]:
    """Commands, faults and time: each only so often."""
    left = world.left
    yield from _sends(world)
    if left.crashes:
        for number, worker in enumerate(world.workers):
            if worker.alive:
                yield _crash(world, number)
    if left.drains:
        for number, worker in enumerate(world.workers):
            if worker.alive and not worker.draining:
                yield _drain(world, number)
    if left.rebalances:
        yield from _rebalances(world)
    if left.timeouts:
        yield from _timeouts(world)
    if left.unmarked:
        yield from _unmarked(world)
    if left.breaks:
        for number, worker in enumerate(world.workers):
            for job in range(len(worker.runs)):
                for text, after in _broken(world, number, job):
                    after.spend("breaks")
                    upkeep.tidy(after, number)
                    yield text, after
    if left.deadlines:
        for text, after in patience(world):
            after.spend("deadlines")
            yield text, after
    if left.hours:
        after = world.copy()
        after.hour += 1
        after.spend("hours")
        for number in range(len(world.workers)):
            upkeep.tidy(after, number)
        yield "an hour passes", after


def _broken(world: World, worker: int, job: int) -> Iterator[Move]:
    if world.workers[worker].alive:
        yield from jobruns.breaks(world, worker, job)
        yield from jobruns.gives_up_waiting(world, worker, job)


def _sends(world: World) -> Iterator[Move]:
    """A gateway appends a command. It answers only then; a client whose gateway died sends the same again."""
    for number, (job, kind, ttl_hours) in enumerate(world.setup.sends):
        if not world.left.sends[number]:
            continue
        partition = world.setup.jobs[job].partition
        commands = world.commands[partition]
        if kind != SUBMIT and not any(each.job == job and each.kind == SUBMIT for each in commands):
            continue
        after = world.copy()
        after.left = after.left._replace(sends=put(after.left.sends, number, False))
        command = Command(job, kind, ttl_hours, world.hour)
        after.commands = put(after.commands, partition, (*commands, command))
        yield f"a gateway appends command {len(commands)}: {kind} of job {job}", after


def _crash(world: World, number: int) -> Move:
    after = world.copy()
    after.spend("crashes")
    worker = world.workers[number]
    dead = nobody(world.setup)._replace(alive=False, life=worker.life, ghost=True)
    after.workers = put(after.workers, number, dead)
    return f"worker {world.name(number)} dies", after


def _drain(world: World, number: int) -> Move:
    after = world.copy()
    after.spend("drains")
    parts = tuple(
        None if part is None else part._replace(admitting=None) for part in world.workers[number].parts
    )
    after.set_worker(number, draining=True, chore=None, parts=parts)
    upkeep.tidy(after, number)
    return f"worker {world.name(number)} is told to leave", after


def _returns(world: World) -> Iterator[Move]:
    """The group notices who is gone; a dead worker is started again."""
    alive = [number for number, worker in enumerate(world.workers) if worker.alive]
    for number, worker in enumerate(world.workers):
        if worker.ghost:
            for heir in alive:
                after = world.copy()
                after.assigned = tuple(heir if owner == number else owner for owner in world.assigned)
                after.set_worker(number, ghost=False)
                for each in alive:
                    after.set_worker(each, news=True)
                yield (
                    f"the group notices a death; worker {world.name(heir)} gets what the dead one had",
                    after,
                )
        if not worker.alive and (world.setup.restarts or not alive):
            after = world.copy()
            after.set_worker(number, alive=True, life=worker.life + 1)
            yield f"worker {after.name(number)} starts in the place of {world.name(number)}", after


def _rebalances(world: World) -> Iterator[Move]:
    """The group shares out anew: a partition moves, or comes back to who had it. Members learn of it when they learn of it."""
    members = [n for n, each in enumerate(world.workers) if each.alive and not (each.ghost or each.draining)]
    for partition, owner in enumerate(world.assigned):
        for heir in members:
            after = world.copy()
            after.spend("rebalances")
            after.assigned = put(after.assigned, partition, heir)
            for number in members:
                after.set_worker(number, news=True)
            where = "comes back to" if heir == owner else "goes to"
            yield f"a rebalance: partition {partition} {where} worker {world.name(heir)}", after


def _timeouts(world: World) -> Iterator[Move]:
    """Kafka aborts a transaction that was open too long; its holder is fenced, though it has no rival."""
    for by, owner in enumerate(world.owner):
        if owner != NOBODY and world.is_open(by):
            after = world.copy()
            after.spend("timeouts")
            after.end(by, ABORTED)
            after.owner = put(after.owner, by, NOBODY)
            job = world.job_of(by)
            what = "an admission" if job is None else f"job {job}"
            yield f"Kafka aborts the transaction of {what}: it was open too long", after


def _unmarked(world: World) -> Iterator[Move]:
    """Where a transaction has written there is no leader when it ends, and its coordinator leaves out the markers (KAFKA-20734)."""
    if world.unmarked != NONE_UNMARKED:
        return
    for by in range(len(world.owner)):
        written = world.open_places(by)
        job = world.job_of(by)
        what = (
            f"the open admission of partition {world.partition_of(by)}"
            if job is None
            else f"the open transaction of job {job}"
        )
        for places in [(place,) for place in written] + ([written] if len(written) > 1 else []):
            after = world.copy()
            after.spend("unmarked")
            after.unmarked = (by, places)
            yield f"Kafka will leave out the marker of {what} in {' and '.join(places)}", after


def _folds(world: World) -> Iterator[Move]:
    """The processor: a state that it sees, committed or not, is a hint; the log, read committed, decides."""
    for job, spec in enumerate(world.setup.jobs):
        log = world.logs[job]
        if not spec.aggregated or not log:
            continue
        hinted = any(
            record.job == job
            and record.state != TOMBSTONE
            and STATES[record.state].status is Status.EXTRACTED
            for record in world.jobs[spec.partition]
        )
        seen = lines.committed(log)
        end = max(
            (offset + 1 for offset, line in enumerate(log) if line.status == 1),
            default=0,
        )
        if hinted and seen and seen[-1] == lines.END and world.results[job] != end:
            after = world.copy()
            after.results = put(after.results, job, end)
            yield f"the processor publishes the result of job {job} up to message {end}", after
