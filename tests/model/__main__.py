"""``make explore``: the long form; ``make explore ARGS=--help`` says what it takes. In one process for each setup and walk."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.model.bugs import BUGS, hunt
from tests.model.explore import Report, search, walk
from tests.model.setups import LONG, UNMARKED_WALK, WALK
from tests.model.world import Setup


def main() -> int:
    """0 when nothing was found that should not be, and every planted bug that was asked for."""
    parser = argparse.ArgumentParser(prog="make explore", description=__doc__)
    parser.add_argument("--setup", choices=[*LONG], help="one of the setups alone, without walks")
    parser.add_argument("--bug", choices=[*BUGS], help="look for a planted bug and tell how it does harm")
    parser.add_argument("--seconds", type=float, default=300.0, help="at most so long a setup")
    parser.add_argument(
        "--fair", type=int, default=4, help="see from every so-manyth state whether all comes true"
    )
    parser.add_argument("--walks", type=int, default=10_000, help="walks at random through the large setup")
    parser.add_argument("--steps", type=int, default=3_000, help="steps of a walk at most")
    parser.add_argument("--seed", type=int, default=1, help="the first walk's seed; each has the next")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    if given.bug:
        report = hunt(given.bug)
        print(f"{given.bug}: {report}\n{report.violation}")
        return 0 if report.violation else 1
    with ProcessPoolExecutor(given.processes) as pool:
        names = [given.setup] if given.setup else [*LONG]
        found = _search_all(pool, names, given.seconds, given.fair)
        if not given.setup:
            seeds = range(given.seed, given.seed + given.walks)
            for setup in (WALK, UNMARKED_WALK):
                found += _walk_all(pool, setup, seeds, given.steps)
    return 1 if found else 0


def _search_all(pool: ProcessPoolExecutor, names: list[str], seconds: float, fair: int) -> int:
    begun, total, found = time.monotonic(), Report(), 0
    running = {name: pool.submit(search, LONG[name], seconds=seconds, fair_every=fair) for name in names}
    for name, future in running.items():
        report = future.result()
        print(f"{name}: {report}", flush=True)
        found += _told(report)
        _add(total, report)
    print(
        f"all setups: {total.states:,} states, {total.steps:,} steps, {total.fair:,} ends without faults, "
        f"{time.monotonic() - begun:.0f} s"
    )
    return found


def _walk_all(pool: ProcessPoolExecutor, setup: Setup, seeds: range, steps: int) -> int:
    begun, total, found = time.monotonic(), Report(), 0
    for seed, report in zip(seeds, pool.map(partial(_walk, setup, steps), seeds, chunksize=50), strict=True):
        if report.violation:
            print(f"walk {seed}:")
        found += _told(report)
        _add(total, report)
    print(
        f"{len(seeds):,} walks from seed {seeds.start}, each with {setup.unmarked} transactions without a marker: "
        f"{total.steps:,} steps, {total.fair:,} ends without faults, the longest {total.depth}, "
        f"{time.monotonic() - begun:.0f} s"
    )
    return found


def _walk(setup: Setup, steps: int, seed: int) -> Report:
    return walk(setup, seed, steps=steps)


def _told(report: Report) -> int:
    if report.violation is None:
        return 0
    print(report.violation, flush=True)
    return 1


def _add(total: Report, report: Report) -> None:
    total.states += report.states
    total.steps += report.steps
    total.fair += report.fair
    total.depth = max(total.depth, report.depth)


if __name__ == "__main__":
    sys.exit(main())
