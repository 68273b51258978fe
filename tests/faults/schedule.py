"""A run of the fault tests as data: which jobs, which faults, when. Pure: a seed always makes the same schedule.

Each run has a theme, which seeds take in turns, so that a dozen runs in a row see every kind of fault; a few faults of any kind
come on top. Times are seconds from the first chunk that the main job reads; those of another job's events, from its submit.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults.proxy import BOTH, Way
from tests.faults.source import Trouble
from tests.faults.truth import CHUNK, DOMAINS

MAIN = 600
"""Containers of the main job, job 0."""
LASTS = 4.5
"""About how many seconds the main job takes without a fault."""
PACE = 0.15
"""Seconds before each batch of rows that make it last so long."""


class Kind(StrEnum):
    KILL_WORKER = "kill worker"
    KILL_PROCESSOR = "kill processor"
    KILL_GATEWAY = "kill gateway"
    KILL_BROKER = "kill broker"
    ZOMBIE = "zombie"
    """A worker is stopped until another has taken its job over, then it goes on."""
    CUT = "cut"
    STALL = "stall"
    DELAY = "delay"
    STORM = "storm"
    """Two workers join and leave, each every second or two."""
    CANCEL = "cancel"
    DELETE = "delete"
    LIFE = "life"


KILLS = (Kind.KILL_WORKER, Kind.KILL_PROCESSOR, Kind.KILL_GATEWAY, Kind.KILL_BROKER)
LINKS = (Kind.CUT, Kind.STALL, Kind.DELAY)
COMMANDS = (Kind.CANCEL, Kind.DELETE, Kind.LIFE)

PAIRS = ("worker", "processor", "gateway", "client-gateway")
"""Each pair that has a link: the first three with the broker, clients with a gateway."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fault. ``job`` is its number: a kill of a worker and a zombie hit whoever reads this job. ``target`` is a kind of
    process and its number from 1; 0: any that runs. ``seconds`` is how long a stall, a delay or a storm lasts, and LIFE's life.
    """

    at: float
    kind: Kind
    job: int = 0
    target: tuple[str, int] = ("", 0)
    seconds: float = 0.0
    ways: tuple[Way, ...] = BOTH
    added: float = 0.0
    """Seconds that a delay adds."""
    to_the_end: bool = False
    """A zombie sleeps until its job has ended; a stall ends with a cut."""


@dataclass(frozen=True, slots=True)
class Failure:
    """``times`` readings of a chunk of job 0 meet a trouble of the source."""

    domain: str
    chunk: int
    trouble: Trouble
    times: int = 1


@dataclass(frozen=True, slots=True)
class JobPlan:
    """Containers ``first`` to ``first + count`` of the plant, submitted at ``at`` seconds from the run's begin."""

    first: int
    count: int
    domains: tuple[str, ...] = DOMAINS
    aggregation: bool = False
    batch_size: int = 5000
    at: float = 0.0
    readers: int = 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a run does."""

    seed: int
    theme: str
    jobs: tuple[JobPlan, ...]
    events: tuple[Event, ...]
    failures: tuple[Failure, ...]
    must: frozenset[str] = field(default_factory=frozenset)
    """The kinds of fault that the run is for: each has to hit."""

    def lines(self) -> list[str]:
        """The schedule for people."""
        return [
            f"seed {self.seed}, theme {self.theme}",
            *(f"  job {number}: {job}" for number, job in enumerate(self.jobs)),
            *(f"  {event}" for event in self.events),
            *(f"  {failure}" for failure in self.failures),
        ]


def make_schedule(seed: int) -> Schedule:
    """The run of a seed from 1 on."""
    rng = random.Random(seed)
    theme = list(THEMES)[(seed - 1) % len(THEMES)]
    events, failures = THEMES[theme](rng)
    must = {str(event.kind) for event in events} | {str(failure.trouble) for failure in failures}
    extra = [_any(rng) for _ in range(rng.choice((0, 1, 1, 2)))]
    if not failures and rng.random() < 0.3:
        failures = [_failure(rng, rng.choice(list(Trouble)))]
    return Schedule(
        seed,
        theme,
        _jobs(rng),
        tuple(sorted(events + extra, key=lambda event: event.at)),
        tuple(failures),
        frozenset(must),
    )


def _jobs(rng: random.Random) -> tuple[JobPlan, ...]:
    main = JobPlan(
        rng.randrange(500),
        MAIN,
        rng.choice((DOMAINS, DOMAINS, DOMAINS[::-1])),
        aggregation=True,
        batch_size=rng.choice((7, 40, 5000)),
        readers=2,
    )
    second = JobPlan(
        1200 + rng.randrange(100),
        rng.choice((300, 400)),
        aggregation=rng.random() < 0.5,
        at=rng.uniform(0, 1),
    )
    small = JobPlan(
        1800 + rng.randrange(100),
        rng.randrange(1, CHUNK),
        DOMAINS[:1],
        batch_size=rng.choice((1, 10, 5000)),
        at=rng.uniform(0, LASTS),
    )
    return main, second, small


def _soon(rng: random.Random) -> float:
    """Surely while the main job runs."""
    return rng.uniform(0.0, 2.0)


def _sometime(rng: random.Random) -> float:
    return rng.uniform(0.0, LASTS)


def _workers(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    count = rng.choice((2, 3))
    return [Event(_soon(rng) + number, Kind.KILL_WORKER) for number in range(count)], []


def _processors(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    return [
        Event(_soon(rng) + number, Kind.KILL_PROCESSOR, target=("processor", number % 2 + 1))
        for number in range(3)
    ], []


def _gateways(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    return [
        Event(_soon(rng) + number, Kind.KILL_GATEWAY, target=("gateway", number % 2 + 1))
        for number in range(4)
    ], []


def _broker(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    first = Event(_soon(rng), Kind.KILL_BROKER)
    return [
        first,
        *([Event(first.at + rng.uniform(4, 8), Kind.KILL_BROKER)] if rng.random() < 0.3 else []),
    ], []


def _zombie(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    return [Event(_soon(rng), Kind.ZOMBIE, to_the_end=rng.random() < 0.5)], []


def _cuts(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    return [Event(_sometime(rng) if n else _soon(rng), Kind.CUT, target=_pair(rng, n)) for n in range(8)], []


def _stalls(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    return [_stall(rng, _soon(rng), _pair(rng, number)) for number in range(4)], []


def _delays(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    return [_delay(rng, _soon(rng), _pair(rng, number)) for number in range(4)], []


def _storm(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    return [Event(0.0, Kind.STORM, seconds=rng.uniform(8, 11))], []


def _source(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    troubles = list(Trouble)
    rng.shuffle(troubles)
    chunks = rng.sample(range(MAIN // CHUNK), len(troubles))
    return [], [
        Failure(
            rng.choice(DOMAINS), chunk, trouble, rng.choice((1, 2)) if trouble is not Trouble.HANGS else 1
        )
        for chunk, trouble in zip(chunks, troubles, strict=True)
    ]


def _commands(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    """A command to each of the larger jobs, the worker killed about when it takes effect."""
    kinds = list(COMMANDS)
    rng.shuffle(kinds)
    events = []
    for job, kind in enumerate(kinds[:2]):
        at = rng.uniform(0.0, 0.6 if job else 2.5)
        events.append(Event(at, kind, job=job, seconds=float(rng.randrange(600, 6000))))
        if rng.random() < 0.7:
            events.append(Event(max(0.0, at + rng.uniform(-0.5, 0.5)), Kind.KILL_WORKER, job=job))
    return events, []


def _everything(rng: random.Random) -> tuple[list[Event], list[Failure]]:
    """Every process is killed in one job, all but the broker more than once."""
    events = [Event(_soon(rng) + number, Kind.KILL_WORKER) for number in range(2)]
    for kind, process in ((Kind.KILL_PROCESSOR, "processor"), (Kind.KILL_GATEWAY, "gateway")):
        events += [Event(_sometime(rng), kind, target=(process, number)) for number in (1, 2)]
    return [*events, Event(_soon(rng), Kind.KILL_BROKER)], []


THEMES: dict[str, Callable[[random.Random], tuple[list[Event], list[Failure]]]] = {
    "workers": _workers,
    "processors": _processors,
    "gateways": _gateways,
    "broker": _broker,
    "zombie": _zombie,
    "cuts": _cuts,
    "stalls": _stalls,
    "delays": _delays,
    "storm": _storm,
    "source": _source,
    "commands": _commands,
    "everything": _everything,
}


def _pair(rng: random.Random, number: int) -> tuple[str, int]:
    return PAIRS[number % len(PAIRS)], rng.choice((1, 2))


def _stall(rng: random.Random, at: float, pair: tuple[str, int]) -> Event:
    """Short ones pass unnoticed; those above the session time-out of 3 s make others take over."""
    ways: tuple[Way, ...] = rng.choice((BOTH, (Way.OUT,), (Way.BACK,)))
    seconds = rng.choice((rng.uniform(0.3, 2), rng.uniform(3.5, 6)))
    return Event(at, Kind.STALL, target=pair, seconds=seconds, ways=ways, to_the_end=rng.random() < 0.5)


def _delay(rng: random.Random, at: float, pair: tuple[str, int]) -> Event:
    return Event(at, Kind.DELAY, target=pair, seconds=rng.uniform(1, 4), added=rng.uniform(0.02, 0.3))


def _failure(rng: random.Random, trouble: Trouble) -> Failure:
    return Failure(rng.choice(DOMAINS), rng.randrange(MAIN // CHUNK), trouble)


def _any(rng: random.Random) -> Event:
    kind = rng.choice((*KILLS, Kind.ZOMBIE, *LINKS, *LINKS, Kind.LIFE))
    pair = _pair(rng, rng.randrange(len(PAIRS)))
    if kind is Kind.STALL:
        return _stall(rng, _sometime(rng), pair)
    if kind is Kind.DELAY:
        return _delay(rng, _sometime(rng), pair)
    targets = {Kind.CUT: pair, Kind.KILL_PROCESSOR: ("processor", 0), Kind.KILL_GATEWAY: ("gateway", 0)}
    life = float(rng.randrange(600, 6000)) if kind is Kind.LIFE else 0.0
    return Event(_sometime(rng), kind, target=targets.get(kind, ("", 0)), seconds=life)
