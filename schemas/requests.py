"""What a client sends: bodies, list parameters and preferences, checked (design: "HTTP (gateway)", Refusals). Pure.

Rule: whatever is wrong raises a :class:`schemas.problems.Problem` whose sentence says what to change. Unknown members of a body
are refused, because a misspelt option that is passed over gives another answer than the one that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from schemas.problems import (
    InvalidBody,
    InvalidParameter,
    MissingDomain,
    UnknownAggregation,
    UnknownDomain,
)
from schemas.results import AggregationSpec

MAX_ID_CHARACTERS = 256
MAX_KEY_CHARACTERS = 255
MAX_WAIT_SECONDS = 60
LIST_LIMIT = 100
DEFAULT_LIST_LIMIT = 20

_WAIT = re.compile(r'wait\s*=\s*("?)([0-9]{1,9})\1', re.ASCII | re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")

S = TypeVar("S")


class SubmitBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /api/trace/jobs``. ``container_ids`` stays the JSON text that it is: it may be megabytes."""

    container_ids: msgspec.Raw
    domains: list[str]
    aggregation: str | None = None
    batch_size: int | None = None
    ttl_seconds: int | None = None


class TtlBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``PATCH /api/trace/job/{id}``."""

    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be asked for: the catalogue's domains with their descriptions, the aggregations, and the bounds of a request.

    ``batch_size`` is the workers' setting: the default and the largest. Lives are in seconds.
    """

    domains: Mapping[str, str]
    aggregations: Mapping[str, AggregationSpec]
    batch_size: int
    default_ttl: int
    min_ttl: int
    max_ttl: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked submit without its container IDs."""

    domains: tuple[str, ...]
    aggregation: str | None
    batch_size: int
    ttl_seconds: int


def decode_body(body: bytes | bytearray | memoryview, kind: type[S]) -> S:
    """The body as ``kind``, a struct of this page. Raises InvalidBody."""
    if not body:
        raise InvalidBody(f"The body is empty; send a JSON object with {_members(kind)}.")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidBody(f"{error}. The members are {_members(kind)}.") from None
    except msgspec.DecodeError as error:
        raise InvalidBody(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise InvalidBody("The body is nested too deeply.") from None
    except UnicodeDecodeError as error:
        raise InvalidBody(f"The body is not UTF-8: byte {error.start} can't be decoded.") from None


def check_submit(body: SubmitBody, offer: Offer) -> Wanted:
    """What is asked for, defaults filled in. Raises InvalidBody, UnknownDomain, UnknownAggregation or MissingDomain."""
    domains = tuple(body.domains)
    if not domains:
        raise InvalidBody(f"domains is empty; name at least one of {_listed(offer.domains)}.")
    for index, domain in enumerate(domains):
        if domain not in offer.domains:
            raise UnknownDomain(
                f"There is no domain {_quoted(domain)}; there are {_listed(offer.domains)}.",
                known=list(offer.domains),
            )
        if domain in domains[:index]:
            raise InvalidBody(f"domains names {_quoted(domain)} twice; name each domain once.")
    _check_aggregation(body.aggregation, domains, offer)
    batch_size = offer.batch_size if body.batch_size is None else body.batch_size
    if not 1 <= batch_size <= offer.batch_size:
        raise InvalidBody(f"batch_size is {batch_size}; it must be from 1 to {offer.batch_size} records.")
    ttl = offer.default_ttl if body.ttl_seconds is None else check_ttl(body.ttl_seconds, offer)
    return Wanted(domains, body.aggregation, batch_size, ttl)


def _check_aggregation(name: str | None, domains: Collection[str], offer: Offer) -> None:
    if name is None:
        return
    spec = offer.aggregations.get(name)
    if spec is None:
        raise UnknownAggregation(
            f"There is no aggregation {_quoted(name)}; there are {_listed(offer.aggregations) or 'none'}.",
            known=list(offer.aggregations),
        )
    missing = [domain for domain in spec.needs if domain not in domains]
    if missing:
        raise MissingDomain(
            f"The aggregation {name} needs the domain {' and '.join(missing)}; add it to domains.",
            missing=missing,
        )


def check_ttl(seconds: int, offer: Offer) -> int:
    """The life, if it lies within the bounds. Raises InvalidBody."""
    if not offer.min_ttl <= seconds <= offer.max_ttl:
        raise InvalidBody(f"ttl_seconds is {seconds}; it must be from {offer.min_ttl} to {offer.max_ttl}.")
    return seconds


def check_key(key: str | None) -> str | None:
    """An Idempotency-Key: up to 255 printable ASCII characters, also in quotes (they are part of it). Raises InvalidParameter."""
    if key is not None and (len(key) > MAX_KEY_CHARACTERS or not _KEY.fullmatch(key)):
        raise InvalidParameter(
            f"The Idempotency-Key must have 1 to {MAX_KEY_CHARACTERS} printable ASCII characters.",
            parameter="Idempotency-Key",
        )
    return key


def preferred_wait(headers: Iterable[str], longest: float = MAX_WAIT_SECONDS) -> int | None:
    """The seconds of ``Prefer: wait=N`` (RFC 7240), at most ``longest``; None without one that makes sense. The first counts."""
    for preference in ",".join(headers).split(","):
        name = preference.partition("=")[0].strip().lower()
        if name == "wait":
            match = _WAIT.fullmatch(preference.partition(";")[0].strip())
            return min(int(match[2]), int(longest)) if match else None
    return None


def _members(kind: type[Any]) -> str:
    return ", ".join(
        field.name if field.required else f"{field.name} (optional)" for field in msgspec.structs.fields(kind)
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 64 else text[:64] + "…")
