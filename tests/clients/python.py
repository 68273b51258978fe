"""The Python clients as drivers of the cases, inside the test's own process; the sync one works in a thread."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.clients.cases import Call
from tests.clients.drivers import Each, Outcome
from tracestream_client import AsyncClient, Client, ConnectionLost, ProblemError, TracestreamError

STREAMS = ("stream", "records")
PULL_LINES = 2
"""What ``flow: pull`` means where a case does not say how many."""


async def drive_async(url: str, call: Call, each: Each, outcome: Outcome) -> None:
    """The case with AsyncClient."""
    arguments = _arguments(call)
    try:
        async with AsyncClient(url, **_options(call, outcome)) as client:
            method = getattr(client, call.operation)
            if call.operation not in STREAMS:
                outcome.result = await method(**arguments)
            else:
                async with method(**arguments) as items:
                    async for item in items:
                        outcome.items.append(item)
                        if not await each(len(outcome.items)):
                            break
        outcome.ended = True
    except TracestreamError as error:
        outcome.error = _event(error)


async def drive_sync(url: str, call: Call, each: Each, outcome: Outcome) -> None:
    """The case with Client in a thread; what happens meanwhile happens in the test's loop."""
    await asyncio.to_thread(_drive, url, call, each, outcome, asyncio.get_running_loop())


def _drive(url: str, call: Call, each: Each, outcome: Outcome, loop: asyncio.AbstractEventLoop) -> None:
    arguments = _arguments(call)
    try:
        with Client(url, **_options(call, outcome)) as client:
            method = getattr(client, call.operation)
            if call.operation not in STREAMS:
                outcome.result = method(**arguments)
            else:
                with method(**arguments) as items:
                    for item in items:
                        outcome.items.append(item)
                        if not asyncio.run_coroutine_threadsafe(_each(each, outcome), loop).result():
                            break
        outcome.ended = True
    except TracestreamError as error:
        outcome.error = _event(error)


async def _each(each: Each, outcome: Outcome) -> bool:
    return await each(len(outcome.items))


def _options(call: Call, outcome: Outcome) -> dict[str, Any]:
    """The client's options in its own words."""
    names = {"stall_seconds": "stall_timeout", "tries": "tries", "backoff_seconds": "first_pause"}
    given = {names[name]: value for name, value in call.options.items() if name in names}
    return {**given, "on_resume": lambda resuming: outcome.resumes.append(resuming.offset)}


def _arguments(call: Call) -> dict[str, Any]:
    """The operation's arguments in the client's own words."""
    arguments = dict(call.arguments)
    arguments |= arguments.pop("body", {})
    if "ttl_seconds" in arguments and call.operation == "set_ttl":
        arguments["seconds"] = arguments.pop("ttl_seconds")
    if arguments.pop("exact", False):
        arguments["exact"] = str
    if call.options.get("flow") == "pull":
        arguments["pull_lines"] = call.options.get("pull_lines", PULL_LINES)
    return arguments


def _event(error: TracestreamError) -> dict[str, Any]:
    """The event ``error``."""
    event: dict[str, Any] = {"event": "error", "name": type(error).__name__, "detail": str(error)}
    if isinstance(error, ProblemError):
        event |= {
            "type": error.type,
            "status": error.status,
            "detail": error.detail,
            "members": error.members,
        }
    elif isinstance(error, ConnectionLost):
        event["members"] = {"offset": error.offset}
    return event
