"""Rules of the protocol left out, one at a time: what the explorer must find, and where it looks."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.commands import SUBMIT
from tests.model.explore import Report, search
from tests.model.world import Job, Setup


@dataclass(frozen=True)
class Bug:
    """``setup`` names the rule that is left out; ``harm`` is what the counterexample must end with. ``fair_every``: from which
    worlds it is seen whether everything comes true; ``seen``: it goes on until a reader of the log sees the harm."""

    setup: Setup
    harm: str
    fair_every: int = 0
    seen: bool = True


_SUBMIT = (0, SUBMIT, 0)

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
        Bug(Setup(sends=(_SUBMIT, _SUBMIT), bug="admit what is known"), "is admitted again", seen=False),
        Bug(Setup(crashes=1, bug="leave foreign transactions open"), "it goes on for ever", fair_every=1),
        Bug(
            Setup(crashes=1, unmarked=1, bug="leave open what Kafka left open"),
            "for ever",
            fair_every=1,
        ),
        Bug(
            Setup(crashes=1, unmarked=1, bug="commit what Kafka left open"),
            "is ahead of its log",
            fair_every=1,
            seen=False,
        ),
        Bug(Setup(crashes=1, unmarked=1, bug="trust what the state counts"), "is not its source in order"),
        Bug(Setup(breaks=1, unmarked=1, bug="go on behind an abort without a marker"), "stands twice"),
        Bug(
            Setup(
                jobs=(Job(1), Job(1)),
                sends=(_SUBMIT, (1, SUBMIT, 0)),
                crashes=1,
                unmarked=1,
                bug="admit behind what is left open",
            ),
            "nothing stands of it",
            seen=False,
        ),
        Bug(
            Setup(jobs=(Job(1),), sends=(_SUBMIT, _SUBMIT), hours=1, bug="bury at once"),
            "makes it anew",
            seen=False,
        ),
        Bug(
            Setup(jobs=(Job(1),), rebalances=1, sweeps=1, hours=1, bug="sweep without a fence"),
            "is removed while the job is",
            seen=False,
        ),
    )
}


def hunt(name: str) -> Report:
    """Explores with the bug until its harm is found."""
    bug = BUGS[name]
    return search(bug.setup, fair_every=bug.fair_every, seen=bug.seen)
