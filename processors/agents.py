"""What faust does for a processor: it shares out the partitions of ``trace.jobs`` and brings the states.

Rules: the agent only notes a job and never awaits a fold, since an agent that waits breaks the group; the same goes for the
signal of an assignment, which is sent in the middle of a rebalance.
"""

from __future__ import annotations

from typing import Any

import faust

from processors.folds import Folds


def attach(app: faust.App, jobs_topic: str, folds: Folds) -> None:
    """Connects ``folds`` with the app: assignments, and each record of ``jobs_topic``."""
    topic = app.topic(
        jobs_topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )

    async def note_jobs(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            folds.event(message.partition, message.offset, message.value)

    async def take_assignment(_app: Any, *arguments: Any, **_: Any) -> None:
        (assigned,) = arguments
        folds.assign({each.partition for each in assigned if each.topic == jobs_topic})

    app.agent(topic, name="note_jobs")(note_jobs)
    receiver: Any = take_assignment
    # The signal holds its receivers weakly unless told otherwise.
    app.on_partitions_assigned.connect(receiver, weak=False)
