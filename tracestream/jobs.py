"""``tracestream status``, ``cancel`` and ``delete``."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from schemas.jobs import ENDED, Status
from tracestream.exits import Exit
from tracestream.output import note, say
from tracestream.remote import gateway
from tracestream_client import AsyncClient

_POLL = 1.0


async def status(arguments: Namespace) -> Exit:
    async with gateway(arguments) as client:
        if arguments.job is None:
            _list(await client.list(limit=arguments.limit, status=arguments.only), arguments.json)
            return Exit.OK
        code = await wait_for_end(client, arguments.job) if arguments.wait else Exit.OK
        state = await client.status(arguments.job)
    say(json.dumps(state) if arguments.json else "\n".join(describe(state)))
    return code


async def cancel(arguments: Namespace) -> Exit:
    async with gateway(arguments) as client:
        for job_id in arguments.jobs:
            state = await client.cancel(job_id)
            say(json.dumps(state) if arguments.json else f"{job_id} cancelled")
    return Exit.OK


async def delete(arguments: Namespace) -> Exit:
    async with gateway(arguments) as client:
        for job_id in arguments.jobs:
            await client.remove(job_id)
            say(f"{job_id} deleted")
    return Exit.OK


async def wait_for_end(client: AsyncClient, job_id: str) -> Exit:
    """Waits until the job has ended; FAILED, with the reason on standard error, unless it is complete."""
    while True:
        state = await client.status(job_id)
        if state["status"] in ENDED:
            break
        await asyncio.sleep(_POLL)
    if state["status"] == Status.COMPLETE:
        return Exit.OK
    problem = state.get("problem") or {}
    note(f"tracestream: job {job_id} {state['status']}. {problem.get('detail', '')}".rstrip())
    return Exit.FAILED


def describe(state: Mapping[str, Any]) -> list[str]:
    """A job's state as aligned lines."""
    lines = [
        ("job", state.get("job_id", "")),
        ("status", state["status"]),
        *_progress(state.get("progress") or {}),
    ]
    shown = ("cid_count", "domains", "aggregation", "submitted_at", "started_at", "ended_at", "expires_at")
    lines += [(name, _text(state[name])) for name in shown if state.get(name) is not None]
    if problem := state.get("problem"):
        lines.append(("problem", problem.get("detail") or problem.get("title", "")))
    return [f"{name.replace('_', ' '):<16}{value}" for name, value in lines]


def _progress(progress: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if progress.get("queue_position") is not None:
        lines.append(("place in queue", _text(progress["queue_position"])))
    if progress.get("eta_seconds") is not None:
        lines.append(("time left", f"about {progress['eta_seconds']:.0f} s"))
    for name, domain in (progress.get("domains") or {}).items():
        chunks = f"{_text(domain['chunks'])} of {_text(domain['total_chunks'])} chunks"
        lines.append((name, f"{chunks}, {_text(domain['records'])} records, {domain['bytes'] / 1e6:,.1f} MB"))
    return lines


def _list(answer: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        say(json.dumps(answer))
        return
    for state in answer["jobs"]:
        records = (state.get("progress") or {}).get("records")
        count = "" if records is None else f"{_text(records)} records"
        say(f"{state['job_id']}  {state['status']:<10}  {state.get('submitted_at', ''):<24}  {count}")
    if not answer["jobs"]:
        note("There are no jobs.")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
