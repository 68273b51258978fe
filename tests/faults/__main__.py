"""``make faults RUNS=200 SEED=1``: so many runs, from this seed on. Exit code 1 when one of them found a fault.

Each run is a line; the summary is a table for docs/faults.md, and ``--json`` keeps all outcomes. After a fault the system is
started anew; its folder, with all logs, is kept and named.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.faults.run import Outcome, field_of
from tests.faults.schedule import make_schedule
from tests.faults.summary import summary

MOST_FAILURES = 5
_FRESH_EVERY = 50
"""Runs over one system; then one begins from an empty broker, so that a late seed is not slower than an early one."""


async def runs(seeds: Sequence[int], folder: Path) -> list[Outcome]:
    """The outcomes of these seeds, one after the other, as far as :data:`MOST_FAILURES` allow."""
    outcomes: list[Outcome] = []
    left = list(seeds)
    while left and sum(bool(outcome.faults) for outcome in outcomes) < MOST_FAILURES:
        part = folder / f"from-{left[0]}"
        found = await _over_one_system(left[:_FRESH_EVERY], part)
        if not any(outcome.faults for outcome in found):
            shutil.rmtree(part)
        outcomes += found
        del left[: len(found)]
    return outcomes


async def _over_one_system(seeds: Sequence[int], folder: Path) -> list[Outcome]:
    """Outcomes up to the first one with a fault."""
    outcomes: list[Outcome] = []
    async with field_of(folder) as field:
        for seed in seeds:
            schedule = make_schedule(seed)
            outcome = await field.run(schedule)
            outcomes.append(outcome)
            print(line(outcome), flush=True)
            if outcome.faults:
                print("\n".join([*schedule.lines(), *(f"  WRONG: {fault}" for fault in outcome.faults)]))
                print(f"  logs: {folder}\n  again: make faults RUNS=1 SEED={seed}", flush=True)
                return outcomes
        for fault in await field.look_back():
            print(f"  WRONG at the end of seeds {seeds[0]} to {seeds[-1]}: {fault}", flush=True)
            outcomes[-1].faults.append(fault)
    return outcomes


def line(outcome: Outcome) -> str:
    """One run for people."""
    hits = ", ".join(f"{kind} {count}" for kind, count in sorted(outcome.hits.items()))
    missed = f"; missed {', '.join(sorted(outcome.missed))}" if outcome.missed else ""
    verdict = "WRONG" if outcome.faults else "good"
    return f"{outcome.seed:4}  {outcome.theme:10}  {outcome.seconds:5.1f} s  {verdict}  {hits}{missed}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to keep all outcomes")
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    folder = Path(tempfile.mkdtemp(prefix="tracestream-faults-"))
    # Its clients of a broker that is killed again and again have much to say.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    begun = time.monotonic()
    outcomes = asyncio.run(runs(seeds, folder))
    print(summary(outcomes, time.monotonic() - begun))
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(outcomes), indent=1) + b"\n")
    bad = [outcome.seed for outcome in outcomes if outcome.faults]
    if bad:
        print(f"WRONG: seeds {', '.join(map(str, bad))}; each again with make faults RUNS=1 SEED=n; {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
