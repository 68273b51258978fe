"""Every error a user can meet, each once: its stable type, HTTP status, title and recovery (RFC 9457).

    Problem
    ├── ClientProblem                 change the request
    │   ├── InvalidBody               400
    │   ├── InvalidParameter          400
    │   ├── InvalidContainerId        400   index
    │   ├── UnknownDomain             400   known
    │   ├── UnknownAggregation        400   known
    │   ├── MissingDomain             400   the aggregation needs it
    │   ├── OffsetOutOfRange          400   earliest, end
    │   ├── UnknownJob                404
    │   ├── DomainNotInJob            404
    │   ├── NotFound                  404
    │   ├── MethodNotAllowed          405   Allow
    │   ├── JobExpired                410
    │   ├── BodyTooLarge              413   limit
    │   ├── TooManyContainerIds       413   limit
    │   ├── UnsupportedMediaType      415
    │   ├── KeyReused                 422
    │   ├── UnknownHost               421
    │   └── TooManyStreams            429   Retry-After
    ├── ServiceProblem                try again later
    │   ├── BrokerUnavailable         503   Retry-After
    │   ├── OutcomeUnknown            503   repeat with the same Idempotency-Key
    │   ├── TooManyJobs               503   Retry-After
    │   ├── NotReady                  503   Retry-After
    │   └── InternalError             500   an opaque id, also in the log
    └── JobProblem                    in a job's state and its ``error`` message
        ├── SourceProblem             502   the database said no
        ├── RecordTooLarge            500   container
        ├── JobTooLarge               500   limit
        ├── TriesExhausted            500   tries
        ├── AggregationFailed         500
        ├── ResultTimeout             504   no processor answered
        └── CommandLost               500   the submit is no longer in the log

The docstring of a class is its ``title``; the message of an instance is the ``detail``: a sentence that says what to change.
"""

from __future__ import annotations

from typing import Any, ClassVar

TYPE_PREFIX = "urn:tracestream:problem:"
MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Something went wrong."""

    slug: ClassVar[str] = "problem"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, *, retry_after: int | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.extra = extra

    def document(self) -> dict[str, Any]:
        """The problem document: type, title, status, detail and the members of its kind."""
        title = (type(self).__doc__ or "").strip().removesuffix(".")
        head = {"type": TYPE_PREFIX + self.slug, "title": title, "status": self.status, "detail": self.detail}
        return {**head, **self.extra}


class ClientProblem(Problem):
    """The request can't be answered as it is."""

    slug = "client"
    status = 400


class InvalidBody(ClientProblem):
    """The body is not a valid request."""

    slug = "invalid-body"


class InvalidParameter(ClientProblem):
    """A parameter or header has a value that can't be used."""

    slug = "invalid-parameter"


class InvalidContainerId(ClientProblem):
    """A container ID is not a string of 1 to 256 characters."""

    slug = "invalid-container-id"


class UnknownDomain(ClientProblem):
    """The catalogue has no such domain."""

    slug = "unknown-domain"


class UnknownAggregation(ClientProblem):
    """There is no such aggregation."""

    slug = "unknown-aggregation"


class MissingDomain(ClientProblem):
    """The aggregation needs a domain that the request does not ask for."""

    slug = "missing-domain"


class OffsetOutOfRange(ClientProblem):
    """The offset lies outside the job's log."""

    slug = "offset-out-of-range"


class UnknownJob(ClientProblem):
    """There is no such job."""

    slug = "unknown-job"
    status = 404


class DomainNotInJob(ClientProblem):
    """The job was not asked for this domain."""

    slug = "domain-not-in-job"
    status = 404


class NotFound(ClientProblem):
    """There is nothing at this address."""

    slug = "not-found"
    status = 404


class MethodNotAllowed(ClientProblem):
    """This address does not answer that method."""

    slug = "method-not-allowed"
    status = 405


class JobExpired(ClientProblem):
    """The job has expired and its log is gone."""

    slug = "job-expired"
    status = 410


class BodyTooLarge(ClientProblem):
    """The body is too large."""

    slug = "body-too-large"
    status = 413


class TooManyContainerIds(ClientProblem):
    """The request has too many container IDs."""

    slug = "too-many-container-ids"
    status = 413


class UnsupportedMediaType(ClientProblem):
    """The body's content type is not one that this address takes."""

    slug = "unsupported-media-type"
    status = 415


class UnknownHost(ClientProblem):
    """The Host header names a host that this gateway does not answer for."""

    slug = "unknown-host"
    status = 421


class KeyReused(ClientProblem):
    """The Idempotency-Key was used for another request."""

    slug = "key-reused"
    status = 422


class TooManyStreams(ClientProblem):
    """This client has too many streams open."""

    slug = "too-many-streams"
    status = 429


class ServiceProblem(Problem):
    """The service can't answer now."""

    slug = "service"
    status = 503


class BrokerUnavailable(ServiceProblem):
    """Kafka can't be reached."""

    slug = "broker-unavailable"


class OutcomeUnknown(ServiceProblem):
    """It is not known whether the request was taken."""

    slug = "outcome-unknown"


class TooManyJobs(ServiceProblem):
    """Too many jobs are waiting or alive."""

    slug = "too-many-jobs"


class NotReady(ServiceProblem):
    """The gateway is still reading the state of the jobs."""

    slug = "not-ready"


class InternalError(ServiceProblem):
    """The service made an error."""

    slug = "internal-error"
    status = 500


class JobProblem(Problem):
    """The job failed."""

    slug = "job-failed"


class SourceProblem(JobProblem):
    """The database could not answer."""

    slug = "source"
    status = 502


class RecordTooLarge(JobProblem):
    """A record is larger than a message can be."""

    slug = "record-too-large"


class JobTooLarge(JobProblem):
    """The answer is larger than a job may be."""

    slug = "job-too-large"


class TriesExhausted(JobProblem):
    """The job was started too often without adding anything."""

    slug = "tries-exhausted"


class AggregationFailed(JobProblem):
    """The aggregation could not be made."""

    slug = "aggregation-failed"


class ResultTimeout(JobProblem):
    """No processor answered in time."""

    slug = "result-timeout"
    status = 504


class CommandLost(JobProblem):
    """The submit is no longer in the log of commands."""

    slug = "command-lost"
