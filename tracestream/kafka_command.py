"""``tracestream kafka``: the embedded broker alone."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from broker.embedded import EmbeddedKafka, free_ports
from broker.embedded_properties import Node
from broker.errors import EmbeddedBrokerError
from broker.jars import class_path
from tracestream import folders, signals
from tracestream.exits import CommandError, Exit
from tracestream.output import gauge, say
from tracestream.up import running


def run(arguments: Namespace) -> int:
    """Prints the bootstrap address when the broker can be asked, and stays."""
    node = Node(1, arguments.port or free_ports(1)[0], free_ports(1)[0])
    broker = EmbeddedKafka(arguments.data_dir, progress=_tell, node=node)

    async def serve() -> int:
        try:
            await broker.start()
            say(broker.bootstrap)
            while broker.running:  # noqa: ASYNC110 - the kernel has no event for us
                await asyncio.sleep(1)
            raise CommandError(f"The broker has ended. Its log: {broker.log}")
        except EmbeddedBrokerError as error:
            raise CommandError(str(error)) from None
        finally:
            await broker.stop()

    return signals.run(serve, broker.kill)


def download(_arguments: Namespace) -> Exit:
    try:
        jars = class_path(progress=_tell)
    except EmbeddedBrokerError as error:
        raise CommandError(str(error)) from None
    say(str(jars[0].parent))
    return Exit.OK


def bootstrap(arguments: Namespace) -> Exit:
    say(running(folders.data_folder(arguments.data_dir))["bootstrap"])
    return Exit.OK


def _tell(jars: int, all_jars: int, done: int, total: int | None) -> None:
    of = f" of {total / 1e6:.0f}" if total else ""
    gauge(f"Kafka: {jars} of {all_jars} jars, {done / 1e6:.0f}{of} MB", last=jars == all_jars)
