"""What follows at a worker by itself, without asking anybody: runs that end, jobs whose time has come, finished commands."""

from __future__ import annotations

from joblog.protocol import Backlog, Step
from schemas.jobs import Status
from tests.model.jobruns import inbox_of, step_of
from tests.model.world import STATES, TOMBSTONE, Part, Run, World


def tidy(world: World, worker: int) -> None:
    """What follows by itself, without asking anybody: runs that end, runs of jobs whose time has come, finished commands."""
    each = world.workers[worker]
    if not each.alive:
        return
    for job, view in enumerate(each.views):
        partition = world.setup.jobs[job].partition
        if world.workers[worker].parts[partition] is None:
            continue
        if view is not None:
            state = STATES[view[1]]
            due = state.expires_at is not None and state.expires_at <= world.now
            if due and not each.draining and state.status is not Status.EXPIRED:
                start(world, worker, job)
        run = world.workers[worker].runs[job]
        if run is not None and run.stage == "idle":
            step = step_of(world, run, TOMBSTONE if view is None else view[1])
            if each.draining or step is Step.NOTHING or (step is Step.REMOVE_TOPIC and run.gone):
                run = run._replace(stage="over")
                world.set_run(worker, job, run)
        if run is not None:
            _collect(world, worker, job, run)


def _collect(world: World, worker: int, job: int, run: Run) -> None:
    view, partition = world.workers[worker].views[job], world.setup.jobs[job].partition
    part = world.workers[worker].parts[partition]
    inbox = inbox_of(run)
    if inbox.commands and part is not None and world.is_seen(worker, job):
        backlog = backlog_of(part)
        backlog.finish(inbox.drop_finished(None if view is None else STATES[view[1]], run.gone))
        kept = tuple((command.offset, command.kind, command.ttl_seconds) for command in inbox.commands)
        if kept != run.inbox:
            run = run._replace(inbox=kept)
            world.set_run(worker, job, run)
            world.set_part(worker, partition, part._replace(unfinished=unfinished_of(backlog)))
    if run.stage == "over" and not run.inbox:
        world.set_run(worker, job, None)


def start(world: World, worker: int, job: int) -> None:
    """A live run of the job, begun unless there is one."""
    former = world.workers[worker].runs[job]
    if former is None or former.stage == "over":
        world.set_run(worker, job, Run(inbox=() if former is None else former.inbox))


def backlog_of(part: Part) -> Backlog:
    # The model's offsets stand for themselves; a job is named by its number.
    return Backlog(part.position, part.committed, {offset: str(job) for offset, job in part.unfinished})


def unfinished_of(backlog: Backlog) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((offset, int(job)) for offset, job in backlog.unfinished.items()))


def who_is(world: World, worker: int) -> str:
    return f"worker {world.name(worker)}"
