"""What a worker does beside its jobs, as :mod:`producers.expiry` does it: burials and sweeps."""

from __future__ import annotations

from collections.abc import Iterator

from joblog import protocol
from schemas.jobs import Status
from tests.model.jobruns import Move, look, remove_topic
from tests.model.upkeep import start, tidy, who_is
from tests.model.world import COMMITTED, HOUR, STATES, TOMBSTONE, Chore, World, put

ORPHAN_HOURS = 1


def burials(world: World, worker: int) -> Iterator[Move]:
    """Tombstones of jobs that expired longer ago than commands are kept."""
    each, who = world.workers[worker], who_is(world, worker)
    if each.chore is None:
        for job in range(len(each.views)):
            if _is_to_be_buried(world, worker, job):
                after = world.copy()
                after.take(world.job_id(job, worker), (worker, "bury"))
                end = len(world.jobs[world.setup.jobs[job].partition])
                after.set_worker(worker, chore=Chore("read", job, end))
                yield f"{who} takes the id of job {job} to bury it", after
        return
    chore = each.chore
    if chore.job < 0:
        return
    job, partition = chore.job, world.setup.jobs[chore.job].partition
    by = world.job_id(job, worker)
    after = world.copy()
    if chore.stage == "read":
        if not world.is_read(partition, chore.end):
            return
        look(after, worker, partition)
        view = after.workers[worker].views[job]
        if view is None or STATES[view[1]].status is not Status.EXPIRED:
            after.set_worker(worker, chore=None)
            yield f"{who} finds that job {job} is not to be buried", after
            return
        remove_topic(after, job, who)
        if world.owner[by] == (worker, "bury"):
            after.write_state(job, TOMBSTONE, by)
        after.set_worker(worker, chore=chore._replace(stage="sent"))
        yield f"{who} writes the tombstone of job {job} (uncommitted)", after
    elif world.owner[by] != (worker, "bury"):
        after.set_worker(worker, chore=None)
        yield f"{who} finds itself fenced from the burial of job {job}", after
    else:
        after.end(by, COMMITTED)
        after.results = put(after.results, job, 0)
        after.set_view(worker, job, None)
        after.set_worker(worker, chore=None)
        tidy(after, worker)
        yield f"{who} commits the tombstone of job {job}", after


def _is_to_be_buried(world: World, worker: int, job: int) -> bool:
    partition = world.setup.jobs[job].partition
    part, view = world.workers[worker].parts[partition], world.workers[worker].views[job]
    if part is None or part.stage != "serve" or view is None:
        return False
    written_at = world.jobs[partition][view[0]].hour * HOUR
    retention = 0 if world.setup.bug == "bury at once" else world.setup.retention_hours * HOUR
    return protocol.is_buried(STATES[view[1]], written_at, world.now, retention)


def sweeps(world: World, worker: int) -> Iterator[Move]:
    """Topics first, then the states to their end, then what belongs to no job."""
    each, who = world.workers[worker], who_is(world, worker)
    ready = [n for n, part in enumerate(each.parts) if part is not None and part.stage == "serve"]
    if each.chore is None:
        if world.left.sweeps and ready:
            after = world.copy()
            after.spend("sweeps")
            listed = tuple(job for job, log in enumerate(world.logs) if log is not None)
            after.set_worker(worker, chore=Chore("read", -1, len(world.jobs[ready[0]]), listed))
            yield f"{who} lists the topics for a sweep", after
        return
    chore = each.chore
    if chore.job >= 0 or not ready or not world.is_read(ready[0], chore.end):
        return
    after = world.copy()
    fenced = world.setup.bug != "sweep without a fence"
    if fenced or chore.stage == "read":
        look(after, worker, ready[0])
    found: list[int] = []
    if chore.stage == "read":
        for job in chore.listed:
            view = after.workers[worker].views[job]
            if world.setup.jobs[job].partition not in ready:
                continue
            if view is not None and STATES[view[1]].status is Status.EXPIRED:
                start(after, worker, job)
            elif _has_no_job(after, worker, job) and _is_old(world, job):
                found.append(job)
        text = f"{who} has read the states for its sweep"
    else:
        job, *found = chore.listed
        text = f"{who} finds that the topic of job {job} is not to be swept"
        if _has_no_job(after, worker, job):
            text = f"{who} sweeps the topic of job {job}"
            remove_topic(after, job, text)
    after.set_worker(worker, chore=None)
    if found:
        if fenced:
            after.take(world.job_id(found[0], worker), (worker, "sweep"))
            text += f" and takes the id of job {found[0]}"
        end = len(world.jobs[ready[0]]) if fenced else 0
        after.set_worker(worker, chore=Chore("taken", -1, end, tuple(found)))
    tidy(after, worker)
    yield text, after


def _has_no_job(world: World, worker: int, job: int) -> bool:
    each = world.workers[worker]
    part = each.parts[world.setup.jobs[job].partition]
    admitting = part is not None and part.admitting is not None and part.admitting[1] == job
    return each.views[job] is None and each.runs[job] is None and not admitting


def _is_old(world: World, job: int) -> bool:
    newest = max((line.hour for line in world.logs[job] or ()), default=-1)
    return protocol.is_orphan(0 if newest < 0 else newest * HOUR, world.now, ORPHAN_HOURS * HOUR)
