"""The parameters and headers of the routes, as OpenAPI describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.jobs import Status
from schemas.requests import DEFAULT_LIST_LIMIT, LIST_LIMIT, MAX_KEY_CHARACTERS, MAX_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class Parameter:
    """``place`` is "query", "header" or "path"."""

    name: str
    place: str
    text: str
    schema: Mapping[str, Any]
    required: bool = False

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "in": self.place,
            "description": self.text,
            "required": self.required,
            "schema": dict(self.schema),
        }


_WHOLE = {"type": "integer", "minimum": 0}

JOB_ID = Parameter("job_id", "path", "The job's id.", {"type": "string", "format": "uuid"}, True)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "Makes a repeated request name the same job; of this client's choice, a UUID for instance.",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARACTERS},
)
PREFER = Parameter(
    "Prefer",
    "header",
    f"wait=N: wait up to N seconds for the answer (at most {MAX_WAIT_SECONDS}); RFC 7240.",
    {"type": "string", "examples": ["wait=10"]},
)
LIST_LIMIT_PARAMETER = Parameter(
    "limit",
    "query",
    "How many at most.",
    {"type": "integer", "minimum": 1, "maximum": LIST_LIMIT, "default": DEFAULT_LIST_LIMIT},
)
AFTER = Parameter(
    "after", "query", "The last job id of the page before.", {"type": "string", "format": "uuid"}
)
STATUS = Parameter(
    "status",
    "query",
    "Only jobs in this status.",
    {"type": "string", "enum": [each.value for each in Status]},
)
STREAM_OFFSET = Parameter(
    "offset",
    "query",
    "Where to begin: the first message at or after this offset. Offsets have gaps.",
    {**_WHOLE, "default": 0},
)
STREAM_LIMIT = Parameter("limit", "query", "End after so many lines.", {"type": "integer", "minimum": 1})
DOWNLOAD = Parameter(
    "download",
    "query",
    "1: save it as a file in a browser.",
    {"type": "integer", "enum": [0, 1], "default": 0},
)
LAST_EVENT_ID = Parameter(
    "Last-Event-ID", "header", "Goes on behind this offset; the parameter offset comes first.", _WHOLE
)
DOMAIN = Parameter("domain", "query", "One of the job's domains.", {"type": "string"}, True)
RECORD_OFFSET = Parameter(
    "offset", "query", "The first record, counted from 0 in the domain.", {**_WHOLE, "default": 0}
)
PAGE_LIMIT = Parameter(
    "limit",
    "query",
    "How many records at most; a page is also cut at its largest size in bytes.",
    {"type": "integer", "minimum": 1, "maximum": 50_000, "default": 5000},
)
IF_NONE_MATCH = Parameter("If-None-Match", "header", "An ETag that is at hand.", {"type": "string"})

HEADERS: Mapping[str, str] = {
    "Location": "The job's address.",
    "Link": 'The next page, rel="next".',
    "ETag": "Names this page of an ended job for good.",
    "Retry-After": "Seconds after which there may be more, or after which to try again.",
    "Preference-Applied": "The preference that was followed.",
    "Content-Disposition": "The name of the file, with download=1.",
}
