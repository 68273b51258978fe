"""A client as the cases see it: it carries out one call, and after each item it asks whether to go on."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.clients.cases import Call
from tests.clients.node import REPOSITORY

DRIVER = REPOSITORY / "clients" / "javascript" / "test" / "driver" / "main.js"
MEGABYTES = 1 << 28

Each = Callable[[int], Awaitable[bool]]
"""Hears how many items the consumer has by now, while it holds still; False: it is to stop reading."""


@dataclass(slots=True)
class Outcome:
    """What a call came to. ``error`` has the members of the event ``error``."""

    items: list[Any] = field(default_factory=list)
    resumes: list[int] = field(default_factory=list)
    result: Any = None
    error: Mapping[str, Any] | None = None
    ended: bool = False


class Driver(Protocol):
    """``url`` is the gateway's address; ``call`` has its arguments filled in."""

    async def __call__(self, url: str, call: Call, each: Each, outcome: Outcome) -> None:
        """Carries the call out; ``outcome`` grows meanwhile."""


def to_json(url: str, call: Call) -> dict[str, Any]:
    """The call as drivers in other languages read it."""
    return {"url": url, "operation": call.operation, "arguments": call.arguments, "options": call.options}


async def take(event: Mapping[str, Any], outcome: Outcome, each: Each) -> str | None:
    """Notes one event of a driver; answers what it waits for."""
    kind = event["event"]
    if kind == "message":
        outcome.items.append(event["value"])
        return "go" if await each(len(outcome.items)) else "abort"
    if kind == "resume":
        outcome.resumes.append(event["offset"])
    elif kind == "result":
        outcome.result = event["value"]
    elif kind == "error":
        outcome.error = event
    else:
        assert kind == "end", event
        outcome.ended = True
    return None


@dataclass(frozen=True, slots=True)
class ProcessDriver:
    """A driver that is a program: see the README of the cases. ``options`` go with every call."""

    command: Sequence[str | Path]
    options: Mapping[str, Any] = field(default_factory=dict)

    async def __call__(self, url: str, call: Call, each: Each, outcome: Outcome) -> None:
        process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=MEGABYTES,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            call = Call(call.operation, call.arguments, {**self.options, **call.options})
            process.stdin.write(json.dumps(to_json(url, call)).encode() + b"\n")
            async for line in process.stdout:
                answer = await take(json.loads(line), outcome, each)
                if answer is not None:
                    process.stdin.write(answer.encode() + b"\n")
                    await process.stdin.drain()
            errors = (await process.stderr.read()).decode()
            assert await process.wait() == 0, errors
            assert outcome.ended or outcome.error, errors
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
