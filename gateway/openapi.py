"""The OpenAPI 3.1 document, made from the routes (:mod:`gateway.operations`) and the types of the contract. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.operations import OPERATIONS, Answer, Operation
from gateway.parameters import HEADERS, JOB_ID
from schemas.answers import Job, JobList, Offering, ProblemDocument, SubmitAnswer
from schemas.problems import MEDIA_TYPE, TYPE_PREFIX, Problem
from schemas.requests import MAX_ID_CHARACTERS, Offer, TtlBody

_REF = "#/components/schemas/{name}"
_TEXT = """\
Traces of containers as event logs. A job asks for container IDs and domains; its answer is a log that grows while the job \
runs, can be read as a stream from any offset or as pages, and is kept for a while. Every error is an RFC 9457 problem \
whose detail says what to change."""


def openapi(offer: Offer, max_cids: int, version: str) -> dict[str, Any]:
    """The document of a gateway that offers ``offer``."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        item = paths.setdefault(
            operation.path, {"parameters": [JOB_ID.document()]} if "{job_id}" in operation.path else {}
        )
        item[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tracestream", "version": version, "description": _TEXT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(offer, max_cids)},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.text,
        "tags": [operation.tag],
        "responses": {str(answer.status): _answer(answer) for answer in operation.answers},
    }
    if operation.parameters:
        document["parameters"] = [parameter.document() for parameter in operation.parameters]
    if operation.body:
        document["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(operation.body)}},
        }
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in operation.problems:
        by_status.setdefault(problem.status, []).append(problem)
    for status, problems in sorted(by_status.items()):
        document["responses"][str(status)] = _problems(problems)
    document["responses"]["default"] = _problems([Problem])
    return document


def _answer(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = {"description": answer.text}
    if answer.media:
        document["content"] = {
            media_type: {"schema": {"type": "string"} if name is None else _ref(name)}
            for media_type, name in answer.media.items()
        }
    if answer.headers:
        document["headers"] = {
            name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in answer.headers
        }
    return document


def _problems(problems: list[type[Problem]]) -> dict[str, Any]:
    kinds = [f"`{TYPE_PREFIX}{problem.slug}`: {problem.__doc__}" for problem in problems]
    text = "Any other error." if problems == [Problem] else "\n".join(kinds)
    return {"description": text, "content": {MEDIA_TYPE: {"schema": _ref("ProblemDocument")}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}


def _schemas(offer: Offer, max_cids: int) -> dict[str, Any]:
    types = (SubmitAnswer, Job, JobList, Offering, ProblemDocument, TtlBody)
    _, made = msgspec.json.schema_components(types, ref_template=_REF)
    schemas: dict[str, Any] = dict(made)
    ttl = {"type": "integer", "minimum": offer.min_ttl, "maximum": offer.max_ttl}
    schemas["TtlBody"] = {**schemas["TtlBody"], "properties": {"ttl_seconds": ttl}}
    schemas["ProblemDocument"] = {**schemas["ProblemDocument"], "additionalProperties": True}
    return {
        **schemas,
        "SubmitBody": _submit_body(offer, max_cids, ttl),
        "WholeAnswer": _object(
            "The whole answer of a small job.",
            {
                "job": _ref("Job"),
                "domains": {"type": "object", "additionalProperties": _RECORDS},
                "aggregation": {},
            },
        ),
        "ResultPage": _object(
            "A page of one domain's records.",
            {
                "domain": {"type": "string"},
                "offset": {"type": "integer"},
                "limit": {"type": "integer"},
                "total": {"type": ["integer", "null"]},
                "status": {"type": "string"},
                "data": _RECORDS,
            },
        ),
        "Health": _object("How the gateway is.", {"status": {"type": "string"}}),
    }


_RECORDS: Mapping[str, Any] = {"type": "array", "items": {"type": "object"}}


def _submit_body(offer: Offer, max_cids: int, ttl: Mapping[str, Any]) -> dict[str, Any]:
    cid = {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARACTERS}
    text = f"At most {max_cids:,} distinct ones; repeated ones are left out and counted."
    properties = {
        "container_ids": {"type": "array", "minItems": 1, "items": cid, "description": text},
        "domains": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "enum": list(offer.domains)},
        },
        "aggregation": {"type": ["string", "null"], "enum": [None, *offer.aggregations], "default": None},
        "batch_size": {
            "type": "integer",
            "minimum": 1,
            "maximum": offer.batch_size,
            "default": offer.batch_size,
            "description": "Records in one message at most.",
        },
        "ttl_seconds": {**ttl, "default": offer.default_ttl, "description": "Counted from the job's end."},
    }
    return {
        "title": "SubmitBody",
        "description": "What to trace.",
        "type": "object",
        "properties": properties,
        "required": ["container_ids", "domains"],
        "additionalProperties": False,
    }


def _object(text: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": text,
        "properties": dict(properties),
        "required": list(properties),
    }
