"""``tracestream worker``, ``processor`` and ``gateway``: settings, catalogue and aggregations into the parts that use them."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from broker.errors import WrongPartitions
from broker.settings import BrokerSettings
from catalogue.loader import Catalogue, load_catalogue
from catalogue.settings import CatalogueSettings
from schemas.results import AggregationSpec
from tracestream import logs, notify
from tracestream.exits import Exit
from tracestream.settings import ProcessSettings, SettingsError, load

_BEAT = 5.0


def worker(_arguments: Namespace) -> Exit:
    _begin(arrow=True)
    from producers import worker as producers  # noqa: PLC0415 - one process needs one of the three
    from producers.settings import ProducerSettings  # noqa: PLC0415
    from producers.sources.open import open_source  # noqa: PLC0415
    from producers.sources.settings import SourceSettings  # noqa: PLC0415

    source_settings = load(SourceSettings, os.environ)
    try:
        source = open_source(source_settings)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    running = producers.run(
        load(BrokerSettings, os.environ),
        load(ProducerSettings, os.environ),
        source,
        _catalogue(),
        _aggregations(),
        on_ready=_ready,
    )
    asyncio.run(_alive_while(running))
    return Exit.OK


def processor(_arguments: Namespace) -> Exit:
    _begin(arrow=True)
    from processors import app as processors  # noqa: PLC0415
    from processors.settings import ProcessorSettings  # noqa: PLC0415

    running = processors.run(
        load(BrokerSettings, os.environ), load(ProcessorSettings, os.environ), _catalogue(), _ready
    )
    asyncio.run(_alive_while(running))
    return Exit.OK


def gateway(_arguments: Namespace) -> Exit:
    _begin()
    from gateway import server  # noqa: PLC0415
    from gateway.settings import GatewaySettings  # noqa: PLC0415
    from producers.settings import ProducerSettings  # noqa: PLC0415

    try:
        server.serve(
            load(BrokerSettings, os.environ),
            load(GatewaySettings, os.environ),
            _catalogue(),
            _aggregations(),
            load(ProducerSettings, os.environ).batch_size,
            lambda _url: _ready(),
        )
    except server.AddressError as error:
        raise SettingsError(str(error)) from None
    return Exit.OK


async def _alive_while(work: Coroutine[Any, Any, None]) -> None:
    """Runs ``work``, renewing the time of the alive file for as long as the event loop turns. Raises SettingsError when the
    topics that exist have another number of partitions than the setting says."""
    file = load(ProcessSettings, os.environ).alive_file
    beating = asyncio.create_task(_beat(Path(file))) if file else None
    try:
        await work
    except WrongPartitions as error:
        raise SettingsError(str(error)) from None
    finally:
        if beating is not None:
            beating.cancel()


async def _beat(file: Path) -> None:
    while True:
        file.touch()  # noqa: ASYNC240 - a moment on a local disk
        await asyncio.sleep(_BEAT)


def _begin(*, arrow: bool = False) -> None:
    if arrow:
        import pyarrow  # noqa: PLC0415 - not every process loads it

        # Arrow's own pool keeps what is freed; glibc's costs nothing and leaves a worker 20 MB smaller.
        pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    logs.configure(load(ProcessSettings, os.environ))


def _ready() -> None:
    notify.ready(os.environ)


def _aggregations() -> dict[str, AggregationSpec]:
    from processors.registry import load_aggregations, specs  # noqa: PLC0415

    return specs(load_aggregations())


def _catalogue() -> Catalogue:
    try:
        return load_catalogue(load(CatalogueSettings, os.environ).folder)
    except ValueError as error:
        raise SettingsError(f"The catalogue cannot be used: {error}") from None
