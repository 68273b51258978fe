"""The summary of many runs as a table of docs/faults.md. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from tests.faults.run import Outcome


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """A Markdown table: what was run, what was hit how often, what was found."""
    hits: Counter[str] = Counter()
    runs_with: Counter[str] = Counter()
    for outcome in outcomes:
        hits.update(outcome.hits)
        runs_with.update(kind for kind, count in outcome.hits.items() if count)
    good = sum(not outcome.faults for outcome in outcomes)
    durations = [outcome.seconds for outcome in outcomes] or [0.0]
    rows = [
        ("runs, without a fault", f"{len(outcomes)}, {good}"),
        ("seeds", f"{outcomes[0].seed} to {outcomes[-1].seed}" if outcomes else "none"),
        ("time in all", f"{seconds / 60:.0f} min"),
        ("a run: median, longest", f"{statistics.median(durations):.0f} s, {max(durations):.0f} s"),
        ("jobs", f"{sum(o.jobs for o in outcomes):,}"),
        ("records compared", f"{sum(o.records for o in outcomes):,}"),
        ("lines put together by readers", f"{sum(o.lines for o in outcomes):,}"),
        ("connections that readers cut", f"{sum(o.cuts for o in outcomes):,}"),
        ("connections that broke for readers", f"{sum(o.broken for o in outcomes):,}"),
        ("chunks read again", f"{sum(o.read_again for o in outcomes):,}"),
    ]
    table = ["| what | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    faults = ["| fault | hit | in runs |", "| --- | --- | --- |"]
    faults += (f"| {kind} | {count:,} | {runs_with[kind]:,} |" for kind, count in sorted(hits.items()))
    return "\n".join(["", *table, "", *faults, ""])
