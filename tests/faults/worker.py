"""``tracestream worker`` over a :class:`FaultySource`: ``python -m tests.faults.worker FOLDER [SECONDS]``.

Settings come from the environment as always. With SECONDS it is a storm: a worker that joins the group, works for so long, leaves
in good order, and joins again as a new member, until the process is ended. Each joining is a line in the file ``joins`` of FOLDER.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from broker.errors import Retriable
from broker.settings import BrokerSettings
from catalogue.loader import load_catalogue
from catalogue.settings import CatalogueSettings
from processors.registry import load_aggregations, specs
from producers import worker
from producers.settings import ProducerSettings
from producers.sources.open import open_source
from producers.sources.settings import SourceSettings
from tests.faults.source import FaultySource, SourceFolder
from tracestream import logs, notify
from tracestream.settings import ProcessSettings, load


def main(folder: Path, seconds: float | None) -> None:
    logs.configure(load(ProcessSettings, os.environ))
    broker, settings = load(BrokerSettings, os.environ), load(ProducerSettings, os.environ)
    source = FaultySource(open_source(load(SourceSettings, os.environ)), SourceFolder(folder))
    parts = (
        load_catalogue(load(CatalogueSettings, os.environ).folder),
        specs(load_aggregations()),
    )
    if seconds is None:
        running = worker.run(broker, settings, source, *parts, on_ready=lambda: notify.ready(os.environ))
        asyncio.run(running)
    else:
        asyncio.run(_storm(lambda: worker.Worker(broker, settings, source, *parts), folder, seconds))


async def _storm(make: Callable[[], worker.Worker], folder: Path, seconds: float) -> None:
    while True:
        member = make()
        with suppress(Retriable):
            await member.start()
            notify.ready(os.environ)
            with (folder / "joins").open("a") as joins:
                joins.write("joined\n")
            await asyncio.sleep(seconds)
            await member.drain()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None)
