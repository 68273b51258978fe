"""What is explored: small setups to the end, each around one kind of trouble, and a large one at random."""

from __future__ import annotations

from dataclasses import replace

from schemas.commands import CANCEL, DELETE, SET_TTL, SUBMIT
from tests.model.world import Job, Setup

_SUBMIT = (0, SUBMIT, 0)
_TWO = (Job(1), Job(1))
_BOTH = (_SUBMIT, (1, SUBMIT, 0))
_AGGREGATED = (Job(1, aggregated=True),)

QUICK: dict[str, Setup] = {
    "two crashes": Setup(crashes=2),
    "a crash and a transaction that times out": Setup(crashes=1, timeouts=1),
    "three crashes and one try": Setup(workers=1, crashes=3, max_tries=1),
    "a crash while a result is awaited": Setup(jobs=_AGGREGATED, crashes=1, timeouts=1),
    "a source that fails": Setup(jobs=(Job(2, aggregated=True),), breaks=2, crashes=1),
    "a cancel and a crash": Setup(sends=(_SUBMIT, (0, CANCEL, 0)), crashes=1),
    "a delete and a transaction that times out": Setup(sends=(_SUBMIT, (0, DELETE, 0)), timeouts=1),
    "a submit repeated and a crash": Setup(sends=(_SUBMIT, _SUBMIT), crashes=1),
    "a drain and a crash": Setup(drains=1, crashes=1),
    "a life that ends": Setup(jobs=(Job(1),), hours=5),
    "two jobs and deadlines that pass": Setup(jobs=_TWO, sends=_BOTH, timeouts=1, deadlines=1),
    "a marker left out and a crash": Setup(jobs=(Job(1),), unmarked=1, crashes=1),
    "a marker left out of a chunk that breaks": Setup(unmarked=1, breaks=1),
    "a marker left out while a result is awaited": Setup(jobs=_AGGREGATED, unmarked=1, timeouts=1),
}
"""Explored to the end, from every state on to its fair end, in seconds all together."""

LONG: dict[str, Setup] = {
    **QUICK,
    "a rebalance": Setup(rebalances=1),
    "a rebalance and a crash": Setup(jobs=(Job(1),), rebalances=1, crashes=1),
    "two rebalances": Setup(jobs=(Job(1),), rebalances=2),
    "a rebalance and a transaction that times out": Setup(jobs=(Job(1),), rebalances=1, timeouts=1),
    "a rebalance while a result is awaited": Setup(jobs=_AGGREGATED, rebalances=1),
    "a rebalance and a cancel": Setup(jobs=(Job(1),), sends=(_SUBMIT, (0, CANCEL, 0)), rebalances=1),
    "a rebalance and a delete": Setup(jobs=(Job(1),), sends=(_SUBMIT, (0, DELETE, 0)), rebalances=1),
    "a changed life and a crash": Setup(sends=(_SUBMIT, (0, SET_TTL, 3)), crashes=1, hours=1),
    "cancel, delete and a crash": Setup(
        jobs=(Job(1),), sends=(_SUBMIT, (0, CANCEL, 0), (0, DELETE, 0)), crashes=1, hours=1
    ),
    "a life that ends and a crash": Setup(jobs=(Job(1),), hours=4, crashes=1),
    "a submit repeated after the end": Setup(jobs=(Job(1),), sends=(_SUBMIT, _SUBMIT), hours=4),
    "a drain and a cancel": Setup(sends=(_SUBMIT, (0, CANCEL, 0)), drains=2),
    "a drain and a rebalance": Setup(jobs=(Job(1),), drains=1, rebalances=1),
    "sweeps and a crash": Setup(jobs=(Job(1),), sweeps=2, crashes=1, hours=1),
    "a sweep and a rebalance": Setup(jobs=(Job(1),), rebalances=1, sweeps=1, hours=1),
    "two jobs, a crash, deadlines that pass": Setup(jobs=_TWO, sends=_BOTH, crashes=1, deadlines=1),
    "a marker left out, a crash and a transaction that times out": Setup(unmarked=1, crashes=1, timeouts=1),
    "two transactions without their markers and a crash": Setup(jobs=(Job(1),), unmarked=2, crashes=1),
    "a marker left out, a chunk that breaks and a crash": Setup(unmarked=1, breaks=1, crashes=1),
    "a marker left out, a cancel and a crash": Setup(
        jobs=(Job(1),), sends=(_SUBMIT, (0, CANCEL, 0)), unmarked=1, crashes=1
    ),
    "a marker left out, a changed life and a crash": Setup(
        jobs=(Job(1),), sends=(_SUBMIT, (0, SET_TTL, 3)), unmarked=1, crashes=1
    ),
    "a marker left out, a delete and a crash": Setup(
        jobs=(Job(1),), sends=(_SUBMIT, (0, DELETE, 0)), unmarked=1, crashes=1
    ),
    "a marker left out and a life that ends": Setup(jobs=(Job(1),), unmarked=1, hours=4),
    "a marker left out of one of two admissions and a crash": Setup(
        jobs=_TWO, sends=_BOTH, unmarked=1, crashes=1
    ),
    "three workers and three crashes": Setup(workers=3, jobs=(Job(1),), crashes=3, restarts=True),
}
"""Explored to the end, or as far as the time allows."""

WALK = Setup(
    workers=3,
    jobs=(Job(3), Job(1, aggregated=True, partition=1), Job(2, partition=1)),
    sends=(
        _SUBMIT,
        (1, SUBMIT, 0),
        (2, SUBMIT, 0),
        _SUBMIT,
        (0, SET_TTL, 3),
        (1, CANCEL, 0),
        (2, SET_TTL, 2),
        (2, DELETE, 0),
    ),
    crashes=4,
    drains=2,
    rebalances=4,
    timeouts=3,
    breaks=2,
    deadlines=3,
    hours=6,
    sweeps=2,
    restarts=True,
)
"""Everything at once: too large to be seen whole, so it is walked through at random."""

UNMARKED_WALK = replace(WALK, rebalances=0, unmarked=3)
"""The same with markers left out, without rebalances: a worker that does not know yet that it has lost a partition may abort what
its successor has committed without a marker, and that one knows nothing of it (decision 16)."""
