"""``tracestream worker``, ``processor`` and ``gateway``: settings, catalogue and aggregations into the parts that use them."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace

from broker.settings import BrokerSettings
from catalogue.loader import Catalogue, load_catalogue
from catalogue.settings import CatalogueSettings
from tracestream import logs, notify
from tracestream.exits import Exit
from tracestream.settings import ProcessSettings, SettingsError, load


def worker(_arguments: Namespace) -> Exit:
    from producers import worker as producers  # noqa: PLC0415 - one process needs one of the three
    from producers.settings import ProducerSettings  # noqa: PLC0415
    from producers.sources.open import open_source  # noqa: PLC0415
    from producers.sources.settings import SourceSettings  # noqa: PLC0415

    _begin()
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
        {},
        on_ready=_ready,
    )
    asyncio.run(running)
    return Exit.OK


def processor(_arguments: Namespace) -> Exit:
    _begin()
    raise NotImplementedError


def gateway(_arguments: Namespace) -> Exit:
    _begin()
    raise NotImplementedError


def _begin() -> None:
    logs.configure(load(ProcessSettings, os.environ))


def _ready() -> None:
    notify.ready(os.environ)


def _catalogue() -> Catalogue:
    try:
        return load_catalogue(load(CatalogueSettings, os.environ).folder)
    except ValueError as error:
        raise SettingsError(f"The catalogue cannot be used: {error}") from None
