"""``tracestream submit``: container IDs from a file or standard input into a job."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from tracestream.exits import CommandError, Exit
from tracestream.jobs import wait_for_end
from tracestream.output import note, say
from tracestream.remote import gateway
from tracestream.tail_command import write_stream


async def submit(arguments: Namespace) -> Exit:
    ids = _read(arguments.file)
    async with gateway(arguments) as client:
        answer = await client.submit(
            ids,
            arguments.domains,
            aggregation=arguments.aggregation,
            batch_size=arguments.batch_size,
            ttl_seconds=arguments.ttl,
            key=arguments.idempotency_key,
        )
        _report(answer, arguments)
        if arguments.follow:
            return await write_stream(client, answer["job_id"])
        if arguments.wait:
            return await wait_for_end(client, answer["job_id"])
    return Exit.OK


def _report(answer: dict[str, Any], arguments: Namespace) -> None:
    if dropped := answer.get("duplicates_dropped"):
        note(f"{dropped:,} duplicate container IDs were left out.")
    if arguments.follow:
        note(f"job {answer['job_id']}")
    else:
        say(json.dumps(answer) if arguments.json else answer["job_id"])


def _read(file: str) -> list[str]:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.", Exit.USAGE) from None
    ids = parse_ids(raw)
    if not ids:
        raise CommandError("There are no container IDs in the input.", Exit.USAGE)
    return ids


def parse_ids(raw: bytes) -> list[str]:
    """IDs of a JSON array, or one a line, taken as they are; empty lines are none. Raises CommandError (usage)."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise CommandError(f"Line {line} of the container IDs is not UTF-8.", Exit.USAGE) from None
    if not text.lstrip().startswith("["):
        return [line for line in text.replace("\r\n", "\n").split("\n") if line]
    try:
        ids = json.loads(text)
    except ValueError as error:
        raise CommandError(
            f"The container IDs begin like a JSON array but are none: {error}.", Exit.USAGE
        ) from None
    for index, each in enumerate(ids):
        if not isinstance(each, str):
            raise CommandError(f"The container ID at index {index} is not a string.", Exit.USAGE)
    return list(ids)
