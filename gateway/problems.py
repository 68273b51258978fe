"""Every exception of a handler into ``application/problem+json`` (RFC 9457): the one place where that is decided.

A :class:`schemas.problems.Problem` is answered as it is; trouble with Kafka is 503 with Retry-After; anything unexpected is 500
with an opaque id that also stands in the log, and nothing else of it reaches the client.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.errors import BrokerError, Refused, TopicGone
from schemas.problems import (
    MEDIA_TYPE,
    BrokerUnavailable,
    InternalError,
    InvalidBody,
    JobExpired,
    MethodNotAllowed,
    NotFound,
    Problem,
)

log = logging.getLogger(__name__)

_RETRY_AFTER = 2


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The response of a problem, with Retry-After where it has one."""
    extra = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
    return document_response(problem.document(), problem.status, {**extra, **(headers or {})})


def document_response(
    document: Mapping[str, object], status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """The response of a problem document that exists already, such as that of a failed job."""
    head = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(document), status, head, MEDIA_TYPE)


def problem_of(error: Exception, path: str) -> Problem:
    """The problem that an exception is told as; what is not expected is logged here."""
    match error:
        case Problem():
            return error
        case TopicGone():
            return JobExpired("The log of this job is no longer there; submit the query again.")
        case BrokerError() if not isinstance(error, Refused):
            return BrokerUnavailable(
                f"Kafka can't answer now ({str(error).rstrip('.')}). Try again.", retry_after=_RETRY_AFTER
            )
    identity = uuid.uuid4().hex[:12]
    log.error("unexpected error %s at %s", identity, path, exc_info=error)
    return InternalError(
        f"Something went wrong that nobody thought of. Tell the operators this id: {identity}.", id=identity
    )


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: an unknown address, a method that an address does not have."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    path = request.url.path[:200]
    problem: Problem
    if error.status_code == MethodNotAllowed.status:
        problem = MethodNotAllowed(
            f"{path} does not answer {request.method[:20]}; it answers {headers.get('Allow', '')}."
        )
    elif error.status_code == NotFound.status:
        problem = NotFound(f"There is nothing at {path}; /docs lists the addresses.")
    else:
        problem = InvalidBody(str(error.detail))
    return problem_response(problem, headers)


class Problems:
    """ASGI middleware: answers what the application raises. A response under way can only be cut."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:
            problem = problem_of(error, scope["path"])
            if started:
                log.warning("a response of %s was cut: %s", scope["path"], problem.detail)
                return
            await problem_response(problem)(scope, receive, send)
