"""Every route, once, as data: the application is built from it, and so are /openapi.json and /docs (design: "HTTP (gateway)")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.parameters import (
    AFTER,
    DOMAIN,
    DOWNLOAD,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    LAST_EVENT_ID,
    LIST_LIMIT_PARAMETER,
    PAGE_LIMIT,
    PREFER,
    RECORD_OFFSET,
    STATUS,
    STREAM_LIMIT,
    STREAM_OFFSET,
    Parameter,
)
from schemas import problems as p

JSON = "application/json"
NDJSON = "application/x-ndjson"
HTML = "text/html"

JOB = "/api/trace/job/{job_id}"

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: its media types with the name of their schema, or None for text."""

    status: int
    text: str
    media: Mapping[str, str | None] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``body`` names the schema of the request's body."""

    method: str
    path: str
    name: str
    summary: str
    text: str
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None
    problems: tuple[type[p.Problem], ...] = ()
    tag: str = "jobs"


_WRITES = (p.BrokerUnavailable, p.NotReady)
_OF_A_JOB = (p.UnknownJob, p.JobExpired, p.NotReady, p.BrokerUnavailable)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "POST",
        "/api/trace/jobs",
        "submitJob",
        "Start a job",
        "Takes container IDs and domains. The job exists once 202 is answered, and not before. With an Idempotency-Key a repeated "
        "request names the same job. With Prefer: wait the answer of a small job comes at once.",
        (
            Answer(202, "The job was taken.", {JSON: "SubmitAnswer"}, ("Location",)),
            Answer(
                200,
                "With Prefer: wait: the answer itself, as the job's log or, with Accept: application/json, as one object.",
                {NDJSON: None, JSON: "WholeAnswer"},
                ("Location", "Preference-Applied"),
            ),
        ),
        (IDEMPOTENCY_KEY, PREFER),
        "SubmitBody",
        (
            p.InvalidBody,
            p.InvalidParameter,
            p.InvalidContainerId,
            p.UnknownDomain,
            p.UnknownAggregation,
            p.MissingDomain,
            p.JobExpired,
            p.BodyTooLarge,
            p.TooManyContainerIds,
            p.UnsupportedMediaType,
            p.KeyReused,
            *_WRITES,
            p.OutcomeUnknown,
            p.TooManyJobs,
        ),
    ),
    Operation(
        "GET",
        "/api/trace/jobs",
        "listJobs",
        "List the jobs",
        "Newest first, without those that have expired. A Link header leads to the next page.",
        (Answer(200, "The jobs.", {JSON: "JobList"}, ("Link",)),),
        (LIST_LIMIT_PARAMETER, AFTER, STATUS),
        problems=(p.InvalidParameter, p.NotReady),
    ),
    Operation(
        "GET",
        JOB,
        "showJob",
        "Show a job",
        "Its state, how far it is, and when its log expires.",
        (Answer(200, "The job.", {JSON: "Job"}),),
        problems=_OF_A_JOB,
    ),
    Operation(
        "PATCH",
        JOB,
        "changeLife",
        "Change how long a job's log is kept",
        "Counted from the end of the job, in seconds.",
        (Answer(200, "The new state.", {JSON: "Job"}),),
        body="TtlBody",
        problems=(p.InvalidBody, p.BodyTooLarge, p.UnsupportedMediaType, *_OF_A_JOB, p.OutcomeUnknown),
    ),
    Operation(
        "DELETE",
        JOB,
        "deleteJob",
        "Delete a job",
        "Cancels it if need be and removes its log. May be repeated.",
        (Answer(204, "It is deleted."),),
        problems=(p.UnknownJob, p.NotReady, p.BrokerUnavailable, p.OutcomeUnknown),
    ),
    Operation(
        "POST",
        f"{JOB}/cancel",
        "cancelJob",
        "Cancel a job",
        "What it has written stays readable. Takes no body.",
        (
            Answer(202, "It will be cancelled.", {JSON: "Job"}, ("Location",)),
            Answer(200, "It had ended already.", {JSON: "Job"}),
        ),
        problems=(*_OF_A_JOB, p.OutcomeUnknown),
    ),
    Operation(
        "GET",
        f"{JOB}/stream",
        "streamJob",
        "Stream a job's log",
        "One JSON object a line, from the first message at or after an offset on; a running job is followed to its end. The last "
        "line is of type complete, error or cancelled: without it the stream was cut, and goes on at the last offset + 1. "
        "Blank lines keep the connection alive.",
        (
            Answer(200, "The log.", {NDJSON: None}, ("Content-Disposition",)),
            Answer(204, "The job has ended, and nothing follows behind this offset."),
        ),
        (STREAM_OFFSET, STREAM_LIMIT, DOWNLOAD, LAST_EVENT_ID),
        problems=(p.InvalidParameter, p.OffsetOutOfRange, *_OF_A_JOB, p.TooManyStreams),
        tag="answers",
    ),
    Operation(
        "GET",
        f"{JOB}/result",
        "readPage",
        "Read a page of a domain",
        "For clients that cannot stream. total is null until the domain has ended; Link leads to the next page, with Retry-After "
        "where there may be more later.",
        (
            Answer(200, "The page.", {JSON: "ResultPage"}, ("Link", "ETag", "Retry-After")),
            Answer(304, "The page is as it was."),
        ),
        (DOMAIN, RECORD_OFFSET, PAGE_LIMIT, IF_NONE_MATCH),
        problems=(p.InvalidParameter, *_OF_A_JOB, p.DomainNotInJob),
        tag="answers",
    ),
    Operation(
        "GET",
        "/api/trace/domains",
        "listDomains",
        "List the domains",
        "What can be asked for: domains, aggregations, and the bounds of a request.",
        (Answer(200, "The catalogue.", {JSON: "Offering"}),),
        tag="catalogue",
    ),
    Operation(
        "GET",
        "/api/trace/example-ids",
        "readExampleIds",
        "Container IDs to try it with",
        "One a line; where the gateway was given none there are none.",
        (Answer(200, "The IDs.", {"text/plain": None}, ("ETag",)),),
        problems=(p.NotFound,),
        tag="catalogue",
    ),
    Operation(
        "GET",
        "/healthz",
        "checkLife",
        "Is the process alive?",
        "Says nothing about Kafka.",
        (Answer(200, "It is.", {JSON: "Health"}),),
        tag="operations",
    ),
    Operation(
        "GET",
        "/readyz",
        "checkReady",
        "Can requests be served?",
        "Not before the state of the jobs was read, not while Kafka does not answer, not while the gateway shuts down.",
        (Answer(200, "They can.", {JSON: "Health"}),),
        problems=(p.NotReady,),
        tag="operations",
    ),
    Operation(
        "GET",
        "/metrics",
        "readMetrics",
        "Counters and gauges",
        "In Prometheus' text format.",
        (Answer(200, "The metrics.", {"text/plain": None}),),
        tag="operations",
    ),
    Operation(
        "GET",
        "/openapi.json",
        "readOpenapi",
        "This API as OpenAPI 3.1",
        "The document that this page is made from.",
        (Answer(200, "The document.", {JSON: None}, ("ETag",)),),
        tag="documents",
    ),
    Operation(
        "GET",
        "/docs",
        "readDocs",
        "This API for people",
        "One page without scripts.",
        (Answer(200, "The page.", {HTML: None}),),
        tag="documents",
    ),
    Operation(
        "GET",
        "/",
        "readHome",
        "The page at the root",
        "For browsers.",
        (Answer(200, "The page.", {HTML: None}),),
        tag="documents",
    ),
)
