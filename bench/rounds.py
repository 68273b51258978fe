"""Several things measured in turns, so that what disturbs the machine for a while disturbs all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

Measure = Callable[[], Awaitable[Mapping[str, float]]]
"""Does the work once and answers its numbers by name."""

Rounds = dict[str, list[float]]


async def interleaved(measures: Mapping[str, Measure], rounds: int, tell: Callable[[str], None]) -> Rounds:
    """Each measure once a round, begun with another one each time; one more round before, which is not counted.

    The numbers come back as ``<measure>.<name>``, one a round.
    """
    found: Rounds = {}
    order = list(measures)
    for number in range(rounds + 1):
        told = []
        for name in order[number % len(order) :] + order[: number % len(order)]:
            numbers = await measures[name]()
            if number:
                for what, value in numbers.items():
                    found.setdefault(f"{name}.{what}", []).append(value)
            told.append(f"{name} {next(iter(numbers.values())):.0f}")
        tell(f"round {number or 'to warm up'}: {', '.join(told)}")
    return found
