"""Five rules of the protocol left out, one at a time: what the explorer must find, and where it looks."""

from __future__ import annotations

from dataclasses import dataclass

from tests.model.explore import Report, search
from tests.model.world import Setup


@dataclass(frozen=True)
class Bug:
    """``setup`` names the rule that is left out; ``harm`` is what the counterexample must end with. ``fair_every``: from which
    worlds it is seen whether everything comes true."""

    setup: Setup
    harm: str
    fair_every: int = 0


BUGS = {
    bug.setup.bug: bug
    for bug in (
        Bug(Setup(rebalances=1, bug="forget the fence"), "stands twice"),
        Bug(
            Setup(crashes=1, bug="commit the command early"),
            "was submitted and never came to be",
            fair_every=1,
        ),
        Bug(Setup(crashes=1, bug="checkpoint before the data"), "is not its source in order"),
        Bug(Setup(timeouts=1, bug="walk away when fenced"), "for ever", fair_every=1),
        Bug(Setup(crashes=1, bug="trust an uncommitted state"), "is not its source in order"),
    )
}


def hunt(name: str) -> Report:
    """Explores with the bug until its harm is found."""
    bug = BUGS[name]
    return search(bug.setup, fair_every=bug.fair_every, seen=True)
