"""``tracestream up``: everything on this machine until Ctrl-C; the broker's data stays for the next time."""

from __future__ import annotations

import asyncio
import json
import os
from argparse import Namespace
from contextlib import ExitStack

from tracestream import folders, hints, signals
from tracestream.exits import CommandError, Exit
from tracestream.show import Show, open_show
from tracestream.stack import Plan, Stack, stop_and_say

ADDRESS_FILE = "up.json"
_LOCK_FILE = "up.lock"


def up(arguments: Namespace) -> int:
    data = folders.data_folder(arguments.data_dir)
    with ExitStack() as held:
        held.enter_context(folders.locked(data / _LOCK_FILE))
        run = held.enter_context(folders.run_folder(data, "up"))
        own_source = bool(
            os.environ.get("TRACE_DUCKDB_PATH") or os.environ.get("TRACE_SOURCE", "duckdb") != "duckdb"
        )
        plan = Plan(
            data=data,
            run=run,
            kafka=data / "kafka",
            port=arguments.port,
            known_kafka_port=True,
            workers=arguments.workers,
            scale=arguments.scale,
            make_data=not own_source,
        )
        show = open_show()
        stack = Stack(plan, show)
        try:
            return signals.run(lambda: _serve(stack, show), stack.hurry)
        finally:
            show.close()


async def _serve(stack: Stack, show: Show) -> int:
    address = stack.plan.data / ADDRESS_FILE
    try:
        show.title("Tracestream", [f"data    {stack.plan.data}", f"logs    {stack.plan.run}"])
        await stack.start()
        where = {
            "pid": os.getpid(),
            "url": stack.url,
            "bootstrap": stack.bootstrap,
            "logs": str(stack.plan.run),
        }
        await asyncio.to_thread(address.write_text, json.dumps(where), "utf-8")
        show.panel("It runs", _where(stack))
        await signals.until_stopped()
    finally:
        address.unlink(missing_ok=True)
        await stop_and_say(stack, show)
    return Exit.OK


def _where(stack: Stack) -> list[str]:
    ids = hints.ids(100, stack.plan.scale, stack.plan.data) if stack.plan.make_data else "cat IDS"
    return [
        f"page       {stack.url}/",
        f"API        {stack.url}/docs",
        f"Kafka      {stack.bootstrap}",
        f"processes  {', '.join(f'{name} {pid}' for name, pid in stack.pids().items())}",
        "",
        f"{ids} | {hints.program()} submit --url {stack.url} --domain history --follow",
        "",
        "Ctrl-C stops all of it.",
    ]


def running(data: os.PathLike[str]) -> dict[str, str]:
    """Where the running ``up`` of the data folder is. Raises CommandError when there is none."""
    try:
        with open(os.path.join(data, ADDRESS_FILE), encoding="utf-8") as file:  # noqa: PTH118, PTH123
            return dict(json.load(file))
    except (OSError, ValueError):
        raise CommandError(f"No `tracestream up` runs on {os.fspath(data)}.") from None
