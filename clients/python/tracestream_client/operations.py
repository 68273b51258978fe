"""Pure: each operation of the API as a request, and what its answer means. The clients do no more than send them.

Every operation may be sent again: a submit carries an Idempotency-Key, the others change nothing the second time.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from tracestream_client.errors import NotTracestream, job_failed, problem_error
from tracestream_client.messages import parse_page
from tracestream_client.parsing import Exact, parse

T = TypeVar("T")

Job = str | Mapping[str, Any]
"""A job's id, or what has it as ``job_id``: the answer to a submit, a state."""

JOBS = "/api/trace/jobs"
JOB = "/api/trace/job/"
_LINK = re.compile(r"<([^>]*)>([^,<]*)")
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One request; ``meaning`` makes the result of the body and headers of an answer with 2xx."""

    method: str
    path: str
    meaning: Callable[[Answer], T]
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    wait: int = 0
    """Seconds that the gateway may take for the answer by itself."""

    def result(self, answer: Answer) -> T:
        """The result. Raises ProblemError, NotTracestream."""
        check(answer)
        return self.meaning(answer)


def check(answer: Answer) -> None:
    """Raises the error of an answer that is none of 2xx."""
    if answer.status < 300:
        return
    if answer.status < 400:
        target = answer.headers.get("location", "elsewhere")
        raise NotTracestream(f"The address leads on to {target}; give the gateway's own.")
    if "preference-applied" in answer.headers:
        raise job_failed(_problem(answer))
    raise problem_error(answer.status, _problem(answer), retry_after(answer))


def submit(
    container_ids: Iterable[str],
    domains: Iterable[str],
    *,
    aggregation: str | None,
    batch_size: int | None,
    ttl_seconds: int | None,
    key: str | None,
    wait: int = 0,
) -> Operation[dict[str, Any]]:
    """Starts a job. An Idempotency-Key is made where none is given. Raises TypeError when one string is given for several."""
    for name, value in (("container_ids", container_ids), ("domains", domains)):
        if isinstance(value, str | bytes):
            raise TypeError(f"{name} is one string; it must be several, such as a list.")
    optional = {"aggregation": aggregation, "batch_size": batch_size, "ttl_seconds": ttl_seconds}
    body = {"container_ids": list(container_ids), "domains": list(domains)}
    given = {name: value for name, value in optional.items() if value is not None}
    headers = {**_JSON, "Idempotency-Key": key or str(uuid.uuid4())}
    if wait:
        headers |= {"Prefer": f"wait={wait}"}
    return Operation("POST", JOBS, _object, headers=headers, body=_encoded(body | given), wait=wait)


def listed(limit: int, after: str | None, status: str | None) -> Operation[dict[str, Any]]:
    given = {"limit": str(limit), "status": status, "after": after}
    params = {name: value for name, value in given.items() if value is not None}

    def meaning(answer: Answer) -> dict[str, Any]:
        return {**_object(answer), "next": _next(answer, "after")}

    return Operation("GET", JOBS, meaning, params)


def status(job: Job) -> Operation[dict[str, Any]]:
    return Operation("GET", path(job), _object)


def set_ttl(job: Job, seconds: int) -> Operation[dict[str, Any]]:
    body = _encoded({"ttl_seconds": seconds})
    return Operation("PATCH", path(job), _object, headers=_JSON, body=body)


def cancel(job: Job) -> Operation[dict[str, Any]]:
    return Operation("POST", f"{path(job)}/cancel", _object)


def remove(job: Job) -> Operation[None]:
    return Operation("DELETE", path(job), lambda _: None)


def page(job: Job, domain: str, offset: int, limit: int, exact: Exact) -> Operation[dict[str, Any]]:
    """Records of a domain; ``next`` and ``retry_after`` are added from the headers."""

    def meaning(answer: Answer) -> dict[str, Any]:
        found = parse_page(answer.body, exact)
        following = _next(answer, "offset")
        return {
            **found,
            "next": None if following is None else int(following),
            "retry_after": retry_after(answer),
        }

    params = {"domain": domain, "offset": str(offset), "limit": str(limit)}
    return Operation("GET", f"{path(job)}/result", meaning, params)


def domains() -> Operation[dict[str, Any]]:
    return Operation("GET", "/api/trace/domains", _object)


def ready() -> Operation[None]:
    return Operation("GET", "/readyz", lambda _: None)


def path(job: Job) -> str:
    """The path of a job. Raises ValueError without an id, whose path would be another one's."""
    name = job if isinstance(job, str) else job["job_id"]
    if not name:
        raise ValueError("The job id is empty.")
    return JOB + quote(name, safe="")


def retry_after(answer: Answer) -> float | None:
    """Seconds of Retry-After; a date and nonsense are none."""
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdecimal() else None


def _next(answer: Answer, parameter: str) -> str | None:
    """The parameter of the address that the Link header calls the next (RFC 8288); None without one."""
    for target, parameters in _LINK.findall(answer.headers.get("link", "")):
        if re.search(r'\brel="?next"?', parameters):
            values = parse_qs(urlsplit(target).query).get(parameter)
            return values[0] if values else None
    return None


def _object(answer: Answer) -> dict[str, Any]:
    return parse(answer.body)


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def _problem(answer: Answer) -> dict[str, Any]:
    try:
        return parse(answer.body)
    except NotTracestream:
        return {}
