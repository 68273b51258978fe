"""The protocol explored: small setups to their last state, a large one at random, and planted bugs that must be found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.model.bugs import BUGS, hunt
from tests.model.explore import outcome, same_as, search, walk
from tests.model.setups import QUICK, UNMARKED_WALK, WALK
from tests.model.world import Setup


@pytest.mark.parametrize("name", QUICK)
def test_no_state_of_a_small_setup_breaks_a_rule_and_from_each_everything_comes_true(name: str) -> None:
    report = search(QUICK[name])
    assert report.violation is None, f"\n{report.violation}"
    assert report.whole
    assert report.states > 200
    assert report.fair > 0


def test_walks_at_random_through_a_large_setup_break_no_rule() -> None:
    steps = 0
    for seed in range(60):
        report = walk(WALK if seed % 2 else UNMARKED_WALK, seed, steps=2_000)
        assert report.violation is None, f"\nwalk {seed}\n{report.violation}"
        steps += report.steps
    assert steps > 5_000


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_and_told_as_a_short_story(name: str) -> None:
    report = hunt(name)
    print(f"{name}: {report}\n{report.violation}")
    assert report.violation is not None
    assert BUGS[name].harm in report.violation.rule
    told = str(report.violation).splitlines()
    assert len(told) <= 42
    assert told[-1].startswith("   => ")


@pytest.mark.parametrize("name", BUGS)
def test_without_the_bug_the_same_setup_breaks_nothing(name: str) -> None:
    report = search(replace(BUGS[name].setup, bug=""), states=5_000)
    assert report.violation is None, f"\n{report.violation}"


def test_a_walk_into_a_bug_is_told_with_what_it_needs_alone() -> None:
    setup = Setup(workers=3, crashes=2, rebalances=2, timeouts=2, bug="trust an uncommitted state")
    walks = (walk(setup, seed, steps=2_000) for seed in range(500))
    found = next(report.violation for report in walks if report.violation)
    is_same = same_as(found.rule)
    assert is_same(outcome(setup, found.moves)[0])
    for left_out in range(len(found.moves)):
        shorter = [move for number, move in enumerate(found.moves) if number != left_out]
        rule, made = outcome(setup, shorter)
        assert not is_same(rule) or len(made) >= len(found.moves)


def test_a_walk_is_the_same_for_the_same_seed() -> None:
    assert [walk(WALK, 7, steps=500).steps for _ in range(2)] == [walk(WALK, 7, steps=500).steps] * 2
