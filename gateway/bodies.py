"""Bodies in and out: read with a limit while they come, answered as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from schemas.problems import BodyTooLarge, UnsupportedMediaType

JSON = "application/json"

_encode = msgspec.json.Encoder().encode


async def read_json(request: Request, limit: int) -> bytearray:
    """The body of a request that must be JSON. Raises UnsupportedMediaType, and BodyTooLarge as soon as it is too large."""
    media_type = request.headers.get("content-type", "")
    if media_type.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(
            f"The Content-Type is {media_type[:80]!r}; send the body as {JSON}.", accepted=[JSON]
        )
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedMediaType(
            f"The Content-Encoding is {encoding[:80]!r}; send the body as it is, not compressed."
        )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for piece in request.stream():
        if len(body) + len(piece) > limit:
            raise _too_large(limit)
        body += piece
    return body


def json_response(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
) -> Response:
    return Response(_encode(document), status, headers, media_type)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit:,} bytes; send less in one request.", limit=limit)
