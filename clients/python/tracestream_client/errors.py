"""Every error of this package. Whoever catches :class:`TracestreamError` has caught them all.

    TracestreamError
    ├── ProblemError           the gateway answered with a problem document: type, status, title, detail, members
    │   ├── RequestProblem     4xx: change the request
    │   │   ├── UnknownJob     404 unknown-job
    │   │   └── JobExpired     410 job-expired: the log is gone, also when it went while it was read
    │   ├── ServiceProblem     429 and 5xx, after the last try: try again later; retry_after in seconds
    │   └── JobFailed          the job's own problem: records() met ``error`` at the end, or submit(wait=…) answers it
    ├── JobCancelled           records() met ``cancelled`` at the end
    ├── ConnectionLost         tries used up without a new line: offset, the last error as its cause
    ├── NotTracestream         what answers is no gateway, or breaks the protocol
    └── Interrupted            one connection that failed; not raised, but the reason in on_resume and the cause of ConnectionLost

``stream`` hands on ``error`` and ``cancelled`` as what they are: the last message of a log. Arguments that make no sense are
ValueError and TypeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPE_PREFIX = "urn:tracestream:problem:"


class TracestreamError(Exception):
    """The root of all errors of this package."""


class ProblemError(TracestreamError):
    """The gateway answered with a problem document (RFC 9457); the message is a sentence made from it."""

    def __init__(self, problem: Mapping[str, Any], status: int, retry_after: float | None = None) -> None:
        self.members = dict(problem)
        """The whole document, with the members of its kind: ``index``, ``earliest``, ``end`` and so on."""
        self.type = _text(problem, "type") or "about:blank"
        """Stable, such as ``urn:tracestream:problem:job-expired``; ``about:blank`` where the answer was no problem document."""
        self.status = status
        self.title = _text(problem, "title") or f"The gateway answered {status}"
        self.detail = _text(problem, "detail") or ""
        self.retry_after = retry_after
        """Seconds that the gateway asks to be left alone for, where it says so."""
        super().__init__(f"{self.title}: {self.detail}" if self.detail else f"{self.title}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.members, self.status, self.retry_after)


class RequestProblem(ProblemError):
    """The request can't be answered as it is; ``detail`` says what to change."""


class UnknownJob(RequestProblem):
    """There is no such job: it never was, or was forgotten weeks after its expiry."""


class JobExpired(RequestProblem):
    """The job has expired or was removed, and its log is gone."""

    offset: int | None = None
    """Where a stream stood; None for other operations."""


class ServiceProblem(ProblemError):
    """The gateway, or a proxy before it, can't answer now."""


class JobFailed(ProblemError):
    """The job failed; the records before are right as far as they go."""


class JobCancelled(TracestreamError):
    """The job was cancelled; the records before are right as far as they go."""


class Interrupted(TracestreamError):
    """One connection failed: nobody answered, it broke, it stalled, or the body ended without the last message."""


class ConnectionLost(TracestreamError):
    """Tried too often without a new line. ``offset`` is where a stream can go on; None for other operations."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.offset)


class NotTracestream(TracestreamError):
    """Something else than a Tracestream gateway answers, or the address is none."""


_BY_SLUG: dict[str | None, type[RequestProblem]] = {
    TYPE_PREFIX + "unknown-job": UnknownJob,
    TYPE_PREFIX + "job-expired": JobExpired,
}


def problem_error(status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> ProblemError:
    """The error for an answer that is not the wanted one. ``problem`` is empty where the answer was no problem document."""
    if status == 429 or status >= 500:
        return ServiceProblem(problem, status, retry_after)
    return _BY_SLUG.get(_text(problem, "type"), RequestProblem)(problem, status, retry_after)


def job_failed(problem: Mapping[str, Any]) -> JobFailed:
    """The error for the problem of a job."""
    status = problem.get("status")
    return JobFailed(problem, status if isinstance(status, int) else 500)


def _text(problem: Mapping[str, Any], name: str) -> str | None:
    value = problem.get(name)
    return value if isinstance(value, str) else None
