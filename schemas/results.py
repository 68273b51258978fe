"""What a processor found for a job: the values of ``trace.results``, and what an aggregation needs (design: "Who writes what").

A result is repeatable, because a fold is deterministic. It names the end of the log it folded, and the job's worker takes it
only if that is the log's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class AggregationSpec:
    """What an aggregation is called and the domains and columns it needs, to be checked at start-up and at submit."""

    name: str
    description: str
    needs: Mapping[str, tuple[str, ...]]


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """An aggregation's ``data``, or the ``problem`` (RFC 9457) why there is none.

    ``end_offset`` is one behind the last message folded (the last ``domain_end``), as ``JobState.end_offset`` counts it.
    """

    job_id: str
    name: str
    end_offset: int
    data: msgspec.Raw | None = None
    problem: dict[str, Any] | None = None


class _Written(msgspec.Struct, frozen=True):
    """A result as it stands in the log. msgspec reads no ``Raw | None``, so a missing ``data`` is an empty Raw here."""

    job_id: str
    name: str
    end_offset: int
    data: msgspec.Raw = msgspec.Raw()
    problem: dict[str, Any] | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Written)


def encode_result(result: Result) -> bytes:
    return _encoder.encode(result)


def decode_result(value: bytes | memoryview) -> Result:
    """Raises ``msgspec.MsgspecError`` where the value is not a result."""
    written = _decoder.decode(value)
    data = msgspec.Raw(bytes(written.data)) if bytes(written.data) else None
    return Result(written.job_id, written.name, written.end_offset, data, written.problem)
