"""The AsyncAPI 3.0 document of the topics: what another system may read, from the topics and message types. Pure.

Only reading is described: commands are written by gateways, states, results and logs by workers and processors.
"""

from __future__ import annotations

from typing import Any

from schemas.messages import SCHEMA_VERSION, TERMINAL
from schemas.shapes import LINES
from schemas.topics import Names

_TEXT = """\
A job's answer is a topic of its own with one partition: each value is one NDJSON line. Read committed records only \
(isolation.level=read_committed), from offset 0, until a message of type complete, error or cancelled: it is always the last one. \
Offsets have gaps. Clients must take messages of 16 MiB."""


def asyncapi() -> dict[str, Any]:
    """The document; payloads refer to the JSON Schema files beside it."""
    names = Names()
    lines = {name: {"$ref": f"#/components/messages/{name}"} for name in LINES}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tracestream topics", "version": f"{SCHEMA_VERSION}.0.0", "description": _TEXT},
        "defaultContentType": "application/json",
        "channels": {
            "jobLog": {
                "address": names.job("{job_id}"),
                "description": f"One job's log. Exactly one of {', '.join(sorted(TERMINAL))} ends it.",
                "parameters": {"job_id": {"description": "A UUID in lower case."}},
                "bindings": {"kafka": {"partitions": 1}},
                "messages": lines,
            },
            "jobs": _shared(
                names.jobs, "The latest state of each job, compacted; a null value removes the job.", "state"
            ),
            "results": _shared(
                names.results,
                "What a processor found for a job, compacted; a null value removes it.",
                "result",
            ),
        },
        "operations": {
            "readJobLog": {"action": "receive", "channel": {"$ref": "#/channels/jobLog"}},
            "followJobs": {"action": "receive", "channel": {"$ref": "#/channels/jobs"}},
            "followResults": {"action": "receive", "channel": {"$ref": "#/channels/results"}},
        },
        "components": {"messages": {**{name: _line(name) for name in LINES}, **_keyed()}},
    }


def _shared(address: str, text: str, message: str) -> dict[str, Any]:
    return {
        "address": address,
        "description": text,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _line(name: str) -> dict[str, Any]:
    return {"name": name, "headers": {"$ref": "json/headers.schema.json"}, "payload": _payload(name)}


def _keyed() -> dict[str, Any]:
    return {name: _keyed_message(name) for name in ("state", "result")}


def _keyed_message(name: str) -> dict[str, Any]:
    key = {"type": "string", "format": "uuid", "description": "The job id."}
    return {"name": name, "bindings": {"kafka": {"key": key}}, "payload": _payload(name)}


def _payload(name: str) -> dict[str, str]:
    return {"$ref": f"json/{name}.schema.json"}
