"""What must hold in every world, and what must have come true in one where nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from joblog.protocol import is_admitted
from schemas.commands import CANCEL, DELETE, SUBMIT
from schemas.jobs import TRANSITIONS, Status
from tests.model import lines
from tests.model.world import COMMITTED, HOUR, LEFT, STATES, TOMBSTONE, World, progress_of


def broken(world: World, *, seen: bool = False) -> str | None:
    """The first rule that the world breaks, as a sentence; None when it breaks none. ``seen``: only of the rules whose breach
    a reader of the log sees, so that a counterexample goes on to the harm."""
    return next(_broken(world, seen), None)


def _broken(world: World, seen: bool) -> Iterator[str]:
    for job in range(len(world.setup.jobs)):
        yield from _broken_log(world, job)
    if seen:
        return
    for job in range(len(world.setup.jobs)):
        states = world.states_of(job)
        yield from _broken_states(world, job, states)
        yield from _back_from_the_grave(world, job)
        # A marker that is left out shows one half of a transaction before the other: both must be there at the end.
        if states and states[-1] != TOMBSTONE and not world.lacked_markers:
            yield from _apart(world, job, states[-1])
    yield from _lost_commands(world)


def _broken_log(world: World, job: int) -> Iterator[str]:
    """Each record once, in order; one terminal message; nothing behind it; a complete log is whole."""
    found = lines.committed(world.logs[job])
    whole = lines.whole(world.setup.jobs[job])
    body = found
    ends = [number for number, kind in enumerate(found) if kind in lines.TERMINAL]
    if ends:
        if ends[0] != len(found) - 1:
            behind = lines.told(found[ends[0] + 1 :])
            yield f"behind the terminal message of job {job} stands more: {behind}"
            return
        body = found[:-1]
    for kind in body:
        if body.count(kind) > 1:
            yield f"in the log of job {job} stands twice: {lines.told([kind])}"
            return
    if body != whole[: len(body)]:
        yield f"the log of job {job} is not its source in order: {lines.told(body)}"
    elif found and found[-1] == lines.COMPLETE and body != whole:
        yield f"job {job} is complete without: {lines.told(whole[len(body) :])}"


def _broken_states(world: World, job: int, states: list[int]) -> Iterator[str]:
    """Only legal changes, each the next version; a job is admitted once; none comes back."""
    for before, after in pairwise(states):
        if after == TOMBSTONE:
            continue
        state = STATES[after]
        if before == TOMBSTONE:
            continue
        former = STATES[before]
        if state.status is Status.QUEUED and state.version == 1:
            yield f"job {job} is admitted again although it is {former.status}"
        elif world.lacked_markers and state.version > former.version + 1:
            # A worker went on from a state of its own that lacked its marker, and a later marker has ended that one.
            continue
        elif world.lacked_markers and (former.status, state.status) == (Status.EXTRACTED, Status.RUNNING):
            # What was extracted lacked its marker and has come to nothing; it is written again.
            continue
        elif state.status not in TRANSITIONS[former.status]:
            yield f"job {job} goes from {former.status} to {state.status}"
        elif state.version != former.version + 1:
            yield f"the state of job {job} is set back from version {former.version} to {state.version}"


def _back_from_the_grave(world: World, job: int) -> Iterator[str]:
    """No submit that was sent before the job expired makes it anew when its tombstone is written."""
    partition = world.setup.jobs[job].partition
    records = [each for each in world.jobs[partition] if each.job == job and each.status == COMMITTED]
    for before, tombstone, after in zip(records, records[1:], records[2:], strict=False):
        if tombstone.state == TOMBSTONE and after.state != TOMBSTONE:
            sent = world.commands[partition][STATES[after.state].command.offset]
            if sent.hour < before.hour:
                yield f"job {job} was removed, and a submit that was sent before its end makes it anew"


def _apart(world: World, job: int, number: int) -> Iterator[str]:
    """State and log say the same, and tries are counted for workers that are gone alone."""
    state, log = STATES[number], world.logs[job]
    # A worker that loses a partition releases nothing: when it leaves before its successor starts the job, that start counts.
    gone = world.setup.crashes - world.left.crashes + world.setup.drains - world.left.drains
    if state.tries > 1 + gone:
        yield f"job {job} has {state.tries} tries, and only {gone} workers died or left"
    if state.status is Status.EXPIRED:
        return
    if log is None:
        if state.first_offset is not None:
            yield f"the topic of job {job} is gone while the job is {state.status}"
        return
    found = lines.committed(log)
    if state.ended:
        # The last marker of a job that has ended may be left out for good (decision 16).
        found = [line.kind for line in log if line.status in (COMMITTED, LEFT)]
    chunks = sum(isinstance(kind, int) for kind in found)
    done = progress_of(state).chunks
    if done > chunks:
        yield f"the state of job {job} is ahead of its log: {done} chunks, and {chunks} stand there"
    elif done < chunks:
        yield f"the log of job {job} is ahead of its state: {chunks} chunks stand there, and the state says {done}"
    ended = lines.TERMINAL.get(str(found[-1])) if found else None
    if (ended or state.ended) and ended is not state.status:
        yield f"job {job} is {state.status}, and its log ends as {ended or 'still open'}"


def _lost_commands(world: World) -> Iterator[str]:
    """A command that the group's offset has passed is never read again: it must be done."""
    for partition, commands in enumerate(world.commands):
        for offset, command in enumerate(commands[: world.committed[partition]]):
            if any(record.job == command.job and record.status == LEFT for record in world.jobs[partition]):
                # What becomes of it is not decided yet.
                continue
            states = world.states_of(command.job)
            if not states:
                # A cancel or delete of a job that never came to be is done; a submit older than commands are kept is void.
                if command.kind == SUBMIT and is_admitted(
                    known=False,
                    age_ms=world.now - command.hour * HOUR,
                    retention_ms=world.setup.retention_hours * HOUR,
                ):
                    yield (
                        f"the group's offset has passed the {command.kind} of job {command.job} (command {offset}), "
                        "and nothing stands of it: whoever takes over never hears of it"
                    )
                continue
            if states[-1] == TOMBSTONE:
                continue
            state = STATES[states[-1]]
            if command.kind == CANCEL:
                done = state.ended
            elif command.kind == DELETE:
                # The topic of an expired job that stands again, made ahead by one who was fenced, goes on the next assignment.
                done = state.status is Status.EXPIRED
            else:
                done = (
                    command.kind == SUBMIT or state.last_command >= offset or state.status is Status.EXPIRED
                )
            if not done:
                yield (
                    f"the group's offset has passed the {command.kind} of job {command.job} (command {offset}), which is "
                    f"not done, the job is {state.status}: whoever takes over never hears of it"
                )


def unfinished(world: World) -> str | None:
    """What has not come true in a world where nothing is left to do; None when everything has."""
    return next(_unfinished(world), None)


def _unfinished(world: World) -> Iterator[str]:
    for partition, commands in enumerate(world.commands):
        for offset, command in enumerate(commands):
            states = world.states_of(command.job)
            age = world.now - command.hour * HOUR
            if not states:
                if command.kind == SUBMIT and age < world.setup.retention_hours * HOUR:
                    yield f"job {command.job} was submitted and never came to be"
            elif states[-1] != TOMBSTONE and not STATES[states[-1]].ended:
                yield f"job {command.job} stays {STATES[states[-1]].status} for ever"
            elif command.kind == DELETE and states[-1] != TOMBSTONE:
                status = STATES[states[-1]].status
                if status is not Status.EXPIRED or world.logs[command.job] is not None:
                    yield f"job {command.job} was deleted and is {status}, its topic stands: {world.logs[command.job] is not None}"
            if world.committed[partition] <= offset:
                yield f"command {offset} ({command.kind} of job {command.job}) is read again for ever"
    for job in range(len(world.setup.jobs)):
        states = world.states_of(job)
        if world.logs[job] is not None and (not states or states[-1] == TOMBSTONE):
            yield f"the topic of job {job} stays, and there is no such job"
        if states and states[-1] != TOMBSTONE:
            state = STATES[states[-1]]
            yield from _apart(world, job, states[-1])
            if state.expires_at is not None and state.expires_at <= world.now:
                if state.status is not Status.EXPIRED:
                    yield f"the time of job {job} has come and it stays {state.status}"
                elif world.logs[job] is not None:
                    yield f"job {job} is expired and its topic stays"
