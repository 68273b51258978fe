"""Explores the model: all worlds of a small setup in order of their distance, or long walks at random through a large one.

In each world the invariants are checked; and from each, or from every so-manyth, whether everything comes true when nothing goes
wrong any more: the first move that heals is made until none is left. A violation is told as the moves that lead to it, the
fewest that do.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.model import invariants, surroundings
from tests.model.jobruns import Broken, Move
from tests.model.world import Setup, World, first_world

HARM = 0.15
"""How often a walk goes on with a command, a fault or the clock, where it could also go on with what heals."""

TOLD = 40
"""Moves of a violation that are told."""

FAIR_LIMIT = 300
"""Moves after which a run without faults is taken to go on for ever."""


@dataclass(frozen=True)
class Violation:
    """``moves`` lead from the beginning to a world that breaks ``rule``."""

    rule: str
    moves: tuple[str, ...]

    def __str__(self) -> str:
        numbered = [f"{number:4}. {move}" for number, move in enumerate(self.moves, start=1)]
        if len(numbered) > TOLD:
            numbered[TOLD:] = [f"      ... and {len(numbered) - TOLD} more"]
        return "\n".join([*numbered, f"   => {self.rule}"])


@dataclass
class Report:
    """What an exploration saw. ``depth`` is the longest way from the beginning."""

    states: int = 0
    steps: int = 0
    fair: int = 0
    depth: int = 0
    seconds: float = 0.0
    whole: bool = True
    violation: Violation | None = None

    def __str__(self) -> str:
        rate = self.steps / max(self.seconds, 1e-9)
        return (
            f"{self.states:,} states, {self.steps:,} steps, {self.fair:,} ends without faults, depth {self.depth}, "
            f"{self.seconds:.1f} s ({rate:,.0f} steps/s){'' if self.whole else ', not to the end'}"
        )


@dataclass
class Fair:
    """Goes on without faults until nothing is left to do; remembers from where that ends well."""

    seen: bool = False
    known: set[int] = field(default_factory=set)
    ends: int = 0
    told: list[str] = field(default_factory=list)

    def check(self, world: World) -> str | None:
        """What never comes true from here, or the rule that breaks on the way; None when all is well. ``told`` is then the
        way."""
        try:
            return self._check(world)
        except Broken as wrong:
            return str(wrong)

    def _check(self, world: World) -> str | None:
        path: list[int] = []
        self.told = ["nothing goes wrong any more"]
        for _ in range(FAIR_LIMIT):
            key = world.key()
            if key in self.known:
                self.known.update(path)
                return None
            path.append(key)
            following = next(
                itertools.chain(
                    surroundings.healing(world), surroundings.patience(world), surroundings.sweeping(world)
                ),
                None,
            )
            if following is None:
                self.ends += 1
                wrong = invariants.unfinished(world)
                if wrong is None:
                    self.known.update(path)
                return wrong
            world = following[1]
            self.told.append(following[0])
            rule = invariants.broken(world, seen=self.seen)
            if rule is not None:
                return rule
        return "it goes on for ever and nothing comes of it"


def search(
    setup: Setup, *, states: int = 10**9, seconds: float = 1e9, fair_every: int = 1, seen: bool = False
) -> Report:
    """All worlds, nearest first, until one breaks a rule, all are seen, or there are more than ``states`` or ``seconds``.

    From every ``fair_every``-th, none if 0, it is seen whether all comes true without faults. ``seen``: see
    :func:`invariants.broken`.
    """
    begun, report, fair = time.monotonic(), Report(), Fair(seen)
    first = first_world(setup)
    parents: dict[int, int] = {first.key(): 0}
    frontier: deque[tuple[World, int]] = deque([(first, 0)])

    def found(key: int, rule: str, *told: str) -> Report:
        report.violation = Violation(rule, (*_way(setup, parents, key), *told))
        return finished()

    def finished() -> Report:
        report.states, report.fair = len(parents), fair.ends
        report.seconds = time.monotonic() - begun
        return report

    while frontier:
        world, depth = frontier.popleft()
        report.depth = depth
        key = world.key()
        if len(parents) > states or time.monotonic() - begun > seconds:
            report.whole = False
            return finished()
        moves = surroundings.moves(world)
        while True:
            try:
                _, after = next(moves)
            except StopIteration:
                break
            except Broken as wrong:
                return found(key, str(wrong))
            report.steps += 1
            next_key = after.key()
            if next_key in parents:
                continue
            parents[next_key] = key
            rule = invariants.broken(after, seen=seen)
            if rule is not None:
                return found(next_key, rule)
            if fair_every and len(parents) % fair_every == 0:
                rule = fair.check(after)
                if rule is not None:
                    return found(next_key, rule, *fair.told)
            frontier.append((after, depth + 1))
    return finished()


def _way(setup: Setup, parents: dict[int, int], key: int) -> list[str]:
    """The moves from the first world to the one with this key."""
    first = first_world(setup)
    keys = [key]
    while keys[-1] != first.key():
        keys.append(parents[keys[-1]])
    world, told = first, []
    for wanted in reversed(keys[:-1]):
        text, world = next(each for each in _safely(world) if each[1].key() == wanted)
        told.append(text)
    return told


def _safely(world: World) -> Iterator[Move]:
    try:
        yield from surroundings.moves(world)
    except Broken:
        return


def walk(setup: Setup, seed: int, *, steps: int, fair_every: int = 50) -> Report:
    """One walk at random, to its end or for so many steps; a violation is told with what of the walk it needs."""
    begun, report, fair, chance = time.monotonic(), Report(), Fair(), random.Random(seed)
    world, told = first_world(setup), list[str]()
    rule: str | None = None
    for number in range(steps):
        try:
            options = list(surroundings.healing(world))
            harm = list(surroundings.harm(world))
        except Broken as wrong:
            rule = str(wrong)
            break
        if not options and not harm:
            break
        harms = not options or (harm and chance.random() < HARM)
        text, world = chance.choice(harm if harms else options)
        told.append(text)
        report.steps += 1
        rule = invariants.broken(world)
        if rule is None and (number % fair_every == 0):
            rule = fair.check(world)
        if rule is not None:
            break
    else:
        number = steps
    if rule is None:
        rule = fair.check(world)
    report.states, report.depth, report.fair = report.steps, report.steps, fair.ends
    if rule is not None:
        report.violation = Violation(rule, tuple(shortened(setup, told, same_as(rule))))
    report.seconds = time.monotonic() - begun
    return report


def same_as(rule: str) -> Callable[[str | None], bool]:
    """Whether a shorter walk breaks the same rule: the first words say which."""
    words = rule.split()[:4]
    return lambda other: other is not None and other.split()[:4] == words


def outcome(setup: Setup, told: Sequence[str]) -> tuple[str | None, list[str]]:
    """Makes those of the moves that are possible, in order; the rule that is broken at the end or on the way, and what was
    made."""
    world, made = first_world(setup), list[str]()
    for text in told:
        try:
            world_after = next((after for each, after in surroundings.moves(world) if each == text), None)
        except Broken as wrong:
            return str(wrong), made
        if world_after is None:
            continue
        world = world_after
        made.append(text)
        rule = invariants.broken(world)
        if rule is not None:
            return rule, made
    return Fair().check(world), made


def shortened(setup: Setup, told: list[str], is_wanted: Callable[[str | None], bool]) -> list[str]:
    """A walk with what it does not need left out, by halves, quarters and so on (delta debugging)."""
    size = max(1, len(told) // 2)
    while True:
        start, smaller = 0, False
        while start < len(told):
            rule, made = outcome(setup, told[:start] + told[start + size :])
            if is_wanted(rule) and len(made) < len(told):
                told, smaller = made, True
            else:
                start += size
        if size == 1 and not smaller:
            return told
        size = max(1, size // 2)
