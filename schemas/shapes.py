"""The messages of a job topic as types: what :mod:`schemas.messages` writes, for the schemas that are published.

Rules. These types describe, they are not written from: a ``records`` line is put together from bytes and never from objects; a
test holds every line of real logs against them. Readers pass over members they do not know, so that one may be added.
``offset`` is not in the topic: the gateway adds it to each line that it sends.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas import messages
from schemas.values import JsonForm

Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0, description="Since the job's first start.")]
Offset = Annotated[int, Meta(ge=0, description="Over HTTP only: the Kafka offset of this message.")]


class MetaLine(msgspec.Struct, tag_field="type", tag=messages.META, kw_only=True):
    """The first message: what was asked for."""

    offset: Offset | UnsetType = UNSET
    job_id: str
    domains: list[str]
    cid_count: Annotated[int, Meta(ge=1, description="Distinct container IDs.")]
    duplicates_dropped: Count
    aggregation: str | None
    batch_size: Annotated[int, Meta(ge=1, description="Records in one message at most.")]
    schema: Annotated[int, Meta(description="The version of these messages.")]
    scn: Annotated[int | None, Meta(description="The snapshot that all domains are read at (Oracle's SCN).")]
    submitted_at: Annotated[str, Meta(description="ISO 8601, UTC.")]


class ColumnShape(msgspec.Struct, omit_defaults=True):
    """A column of a domain, in the order of the records' members."""

    name: str
    type: Annotated[str, Meta(description="As the database spells it.")]
    json: Annotated[JsonForm, Meta(description="How a value looks unless it is null: docs/values.md.")]
    exact_as_double: Annotated[bool, Meta(description="Numbers only: no value loses digits in a double.")] | (
        UnsetType
    ) = UNSET


class DomainStartLine(msgspec.Struct, tag_field="type", tag=messages.DOMAIN_START, kw_only=True):
    """Opens a domain."""

    offset: Offset | UnsetType = UNSET
    domain: str
    batch: Annotated[int, Meta(description="The number of the domain's first batch: 1.")]
    total_batches: Annotated[int | None, Meta(description="Null: not known before the domain's end.")]
    total_chunks: Annotated[int, Meta(ge=1, description="Rounds of the database that the domain takes.")]
    columns: list[ColumnShape]


class RecordsLine(msgspec.Struct, tag_field="type", tag=messages.RECORDS, kw_only=True):
    """A batch of records, never empty. Each has every column of ``domain_start``, in that order."""

    offset: Offset | UnsetType = UNSET
    domain: str
    batch: Annotated[int, Meta(ge=1, description="Counts from 1 in each domain.")]
    data: Annotated[list[dict[str, Any]], Meta(min_length=1)]


class DomainEndLine(msgspec.Struct, tag_field="type", tag=messages.DOMAIN_END, kw_only=True):
    """Closes a domain."""

    offset: Offset | UnsetType = UNSET
    domain: str
    total_records: Count
    total_batches: Count
    null_container_rows: Annotated[
        int, Meta(ge=0, description="Rows left out because their container ID is NULL.")
    ]


class AggregationLine(msgspec.Struct, tag_field="type", tag=messages.AGGREGATION, kw_only=True):
    """What an aggregation found over the whole answer."""

    offset: Offset | UnsetType = UNSET
    name: str
    data: dict[str, Any]


class CompleteLine(msgspec.Struct, tag_field="type", tag=messages.COMPLETE, kw_only=True):
    """The last message of a job that ended well."""

    offset: Offset | UnsetType = UNSET
    elapsed_seconds: Seconds
    total_records: Count


class ProblemShape(msgspec.Struct):
    """An RFC 9457 problem; further members depend on the type."""

    type: str
    title: str
    status: int
    detail: str


class ErrorLine(msgspec.Struct, tag_field="type", tag=messages.ERROR, kw_only=True):
    """The last message of a job that failed. What stands before it is valid as far as it goes."""

    offset: Offset | UnsetType = UNSET
    problem: ProblemShape


class CancelledLine(msgspec.Struct, tag_field="type", tag=messages.CANCELLED, kw_only=True):
    """The last message of a job that was cancelled. What stands before it is valid as far as it goes."""

    offset: Offset | UnsetType = UNSET
    elapsed_seconds: Seconds


LINES: dict[str, type[msgspec.Struct]] = {
    messages.META: MetaLine,
    messages.DOMAIN_START: DomainStartLine,
    messages.RECORDS: RecordsLine,
    messages.DOMAIN_END: DomainEndLine,
    messages.AGGREGATION: AggregationLine,
    messages.COMPLETE: CompleteLine,
    messages.ERROR: ErrorLine,
    messages.CANCELLED: CancelledLine,
}
"""By message type, in the order of a log; the last three end it."""
