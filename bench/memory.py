"""The peak memory of each process after the measured jobs, beside that of an answer made in one piece (:mod:`bench.naive`).

The worker has written the reference job several times by then, the gateway replayed it as often. How little the job's size
matters is told by ``python -m bench.scales``.
"""

from __future__ import annotations

from pathlib import Path

from bench import naive
from bench.figures import Figure
from bench.services import KINDS, Service

GROUP = "memory"
_REQUIRED_MB = 350.0


async def measure(service: Service, database: Path) -> list[Figure]:
    peaks = service.peaks()
    in_one_piece = await naive.measured(database)
    return [
        *(Figure(GROUP, f"peak of the {kind}", "MB", (peaks[kind],), below=_REQUIRED_MB) for kind in KINDS),
        Figure(GROUP, "peak of the broker", "MB", (peaks["broker"],)),
        Figure(GROUP, "peak of one json.dumps over all rows", "MB", (in_one_piece["peak"] / 1e6,)),
        Figure(GROUP, "time of one json.dumps over all rows", "s", (in_one_piece["seconds"],)),
    ]
