"""Reads Tracestream's answers: submits trace queries and follows their logs through broken connections, each message once.

:class:`Client` is for ordinary programs, :class:`AsyncClient` for asyncio. :mod:`tracestream_client.errors` draws the errors.
"""

from tracestream_client.async_client import AsyncClient, AsyncStream
from tracestream_client.client import Client, Stream
from tracestream_client.errors import (
    ConnectionLost,
    Interrupted,
    JobCancelled,
    JobExpired,
    JobFailed,
    NotTracestream,
    ProblemError,
    RequestProblem,
    ServiceProblem,
    TracestreamError,
    UnknownJob,
)
from tracestream_client.lines import TERMINAL, LineSplitter
from tracestream_client.messages import Message, Record
from tracestream_client.operations import Job
from tracestream_client.parsing import Exact
from tracestream_client.resume import Resuming

__all__ = [
    "TERMINAL",
    "AsyncClient",
    "AsyncStream",
    "Client",
    "ConnectionLost",
    "Exact",
    "Interrupted",
    "Job",
    "JobCancelled",
    "JobExpired",
    "JobFailed",
    "LineSplitter",
    "Message",
    "NotTracestream",
    "ProblemError",
    "Record",
    "RequestProblem",
    "Resuming",
    "ServiceProblem",
    "Stream",
    "TracestreamError",
    "UnknownJob",
]
