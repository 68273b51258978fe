"""What was seen of one run of the flow-control experiment. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Bytes; ``at`` in seconds since the start."""

    at: float
    accepted: int
    taken: int
    window: int
    client: int
    gateway: int


@dataclass(slots=True)
class Watched:
    """One run of one chain."""

    engine: str
    chain: str
    wait: int
    whole: bool = False
    zero_windows: int | None = None
    samples: list[Sample] = field(default_factory=list)

    @property
    def under_way(self) -> int:
        """What was accepted and not taken, at its most, bytes."""
        return max((each.accepted - each.taken for each in self.samples), default=0)

    @property
    def peak(self) -> int:
        """Memory of the client over that of its first look, bytes."""
        clients = [each.client for each in self.samples]
        return max(clients, default=0) - (clients[0] if clients else 0)

    @property
    def shut(self) -> float:
        """The share of looks at which the window was shut."""
        return statistics.mean(each.window == 0 for each in self.samples) if self.samples else 0.0
