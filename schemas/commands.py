"""What clients ask for: the values of ``trace.commands``, keyed by job id (design: "Topics", "Submit").

A submit carries the container IDs, and is the only place where they stand; its headers repeat what a gateway needs to show
the job before a worker has admitted it, so that nobody but the worker and the processor parses the value.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas.headers import TYPE

SUBMIT = "submit"
CANCEL = "cancel"
DELETE = "delete"
SET_TTL = "set_ttl"

REQUEST = "request"
"""Header of a submit: everything of it but the container IDs, as JSON (:class:`Request`)."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=False):
    """A submit without its container IDs. ``request_hash`` tells two requests under one Idempotency-Key apart.

    ``cid_count`` counts distinct IDs; ``submitted_at`` is in milliseconds since the epoch; ``principal`` is who asked (the
    client's address until there is authentication).
    """

    job_id: str
    domains: tuple[str, ...]
    cid_count: int
    duplicates_dropped: int
    batch_size: int
    ttl_seconds: int
    principal: str
    request_hash: str
    submitted_at: int
    aggregation: str | None = None


class SetTtl(msgspec.Struct, frozen=True):
    """The value of a ``set_ttl`` command: the life of the log in seconds, counted from its terminal message."""

    ttl_seconds: int


class SubmitValue(msgspec.Struct, frozen=True):
    """The value of a ``submit``: the distinct container IDs in the order given (:class:`schemas.ids.ContainerIds` decodes it)."""

    container_ids: list[str]


def submit_headers(request: Request) -> list[tuple[str, bytes]]:
    """The headers of a submit: its type and the request, as ASCII JSON."""
    text = msgspec.json.encode(request).decode().encode("ascii", "backslashreplace")
    return [(TYPE, SUBMIT.encode()), (REQUEST, text)]


def command_headers(kind: str) -> list[tuple[str, bytes]]:
    """The headers of a cancel, delete or set_ttl."""
    return [(TYPE, kind.encode())]


def kind_of(headers: Mapping[str, bytes]) -> str:
    """The command's type; an empty string where the header is missing (such a record is not ours and is passed over)."""
    return headers.get(TYPE, b"").decode("ascii", "replace")


def request_of(headers: Mapping[str, bytes]) -> Request:
    """The request of a submit's headers. Raises ``msgspec.MsgspecError`` or KeyError where it is not one of ours."""
    return msgspec.json.decode(headers[REQUEST], type=Request)
