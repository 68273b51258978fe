"""``docs/backpressure.md`` and its drawing, from what was watched. Pure but for the two files."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

from bench.plot import Panel, small_multiples
from bench.watched import Watched

DOCS = Path(__file__).parents[1] / "docs"
ACCEPTED, TAKEN, MEMORY = (
    "accepted by the gateway's socket",
    "taken by the sink",
    "client's memory, above the start",
)
HIGHEST = 150.0
"""MB at the top of each panel; what is higher lies at its edge."""

_HEAD = """# How far a slow consumer is felt

`make backpressure` wrote this page: a job of {size:.0f} MB through the whole chain, gateway, socket, client and parser, into a sink
that waits after each message of {message:.1f} MB. Every run was watched for {seconds:.0f} s at most, {machine}.

- `stream`: one response; the socket stops the gateway. `pull`: responses of two lines, one ahead. `naive`: what was there before, a
  `TextDecoderStream`, a buffer that grows, and a list of the messages that wait for the sink.
- **under way**: the most that the gateway's socket had accepted and the sink had not taken.
- **window shut**: the share of looks, ten a second, at which the client's kernel offered no window (`ss -ti`); **zero windows**:
  how often it said so on the wire (`tshark`).
- **memory**: of all processes of the client, above its first look.
- **all taken**: whether the sink had everything when the watching ended. On a machine that is busy with other things, it may
  not have even without a wait.

![Bytes and memory over time](backpressure.svg)

| client | chain | sink waits | under way | window shut | zero windows | memory | gateway's memory | all taken |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def write(found: Sequence[Watched], *, size: int, messages: int, seconds: float) -> None:
    """Both files. ``size`` bytes of the job in ``messages``, each run watched for ``seconds``."""
    head = _HEAD.format(
        size=size / 1e6,
        message=size / 1e6 / messages,
        seconds=seconds,
        machine=f"on {platform.system()} {platform.machine()}",
    )
    rows = "\n".join(map(_row, found))
    (DOCS / "backpressure.md").write_text(f"{head}{rows}\n", "utf-8")
    (DOCS / "backpressure.svg").write_text(_drawing(found), "utf-8")


def _row(run: Watched) -> str:
    zero = "–" if run.zero_windows is None else str(run.zero_windows)
    gateway = [each.gateway for each in run.samples]
    grown = (max(gateway, default=0) - min(gateway, default=0)) / 1e6
    cells = (
        run.engine,
        f"`{run.chain}`",
        f"{run.wait:,} ms",
        f"{run.under_way / 1e6:.1f} MB",
        f"{run.shut:.0%}",
        zero,
        f"{run.peak / 1e6:.0f} MB",
        f"±{grown / 2:.0f} MB",
        "yes" if run.whole else "no",
    )
    return f"| {' | '.join(cells)} |"


def _drawing(found: Sequence[Watched]) -> str:
    rows: dict[str, list[Panel]] = {}
    for run in found:
        first = run.samples[0].client if run.samples else 0
        lines = {
            ACCEPTED: [(each.at, each.accepted / 1e6) for each in run.samples],
            TAKEN: [(each.at, each.taken / 1e6) for each in run.samples],
            MEMORY: [(each.at, max(0, each.client - first) / 1e6) for each in run.samples],
        }
        rows.setdefault(f"{run.engine} {run.chain}", []).append(Panel(f"waits {run.wait:,} ms", lines))
    return small_multiples(rows, (ACCEPTED, TAKEN, MEMORY), "MB", HIGHEST)
