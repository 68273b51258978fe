"""The statement of a chunk and its binds. Pure.

Statements of like chunks have equal texts and equal kinds of binds, so that the driver keeps its cursor and Oracle its plan:
the list of IDs has one of four lengths, the last ID repeated, and all its binds are declared with one of three sizes. More IDs
than an IN-list may have are one bind, a JSON array (docs/decisions/0014).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalogue.domain import (
    IDS_BIND,
    MAX_IN_LIST,
    ORACLE,
    ORACLE_WITHOUT_FLASHBACK,
    SCN_BIND,
    Domain,
    bind_names,
)
from producers.chunks import padded
from producers.sources.oracle_types import Reading, wrapped

SNAPSHOT = "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL"

BIND_SIZES = (32, 128, 1024)
"""Bytes. Oracle makes a new child cursor whenever a bind crosses 32, 128 or 2,000 bytes; 1,024 is an ID of 256 characters."""

_LOB_BATCH_BYTES = 32 << 20
"""What a batch of rows with a LOB may hold at most."""


@dataclass(frozen=True, slots=True)
class Query:
    """``values`` are bound as ``names``, each declared with ``bind_size`` bytes, or as a CLOB where that is None; ``scn`` as
    ``:scn`` where it is not None."""

    text: str
    names: Sequence[str]
    values: Sequence[str]
    bind_size: int | None
    scn: int | None


def query_of(
    domain: Domain, readings: Sequence[Reading], container_ids: Sequence[str], scn: int | None, lob_bytes: int
) -> Query:
    """The query for these container IDs, as of ``scn`` where it is not None."""
    dialect = ORACLE if scn is not None else ORACLE_WITHOUT_FLASHBACK
    names: Sequence[str]
    size: int | None
    if len(container_ids) > MAX_IN_LIST:
        text = domain.render(dialect, container_ids)
        # ASCII only, so that no character set can change an ID.
        names, values, size = (IDS_BIND,), [json.dumps(container_ids)], None
    else:
        values = padded(container_ids, min(domain.chunk_size, MAX_IN_LIST))
        text = domain.render(dialect, values)
        longest = max(len(each.encode()) for each in values)
        names, size = bind_names(len(values)), next((size for size in BIND_SIZES if longest <= size), longest)
    return Query(
        wrapped(text, readings, lob_bytes), names, values, size, scn if f":{SCN_BIND}" in text else None
    )


def description_of(domain: Domain) -> str:
    """The domain's query for being described alone.

    Its text is no chunk's: the driver would go on using what it made for the described one, doubles for numbers among it.
    """
    return domain.render(ORACLE_WITHOUT_FLASHBACK, [""]) + "\n-- described"


def explained(domain: Domain, container_ids: Sequence[str], scn: int | None) -> Query:
    """The statement that has Oracle plan a chunk's query, under the name ``tracestream``."""
    query = query_of(domain, (), container_ids, scn, 0)
    return replace(query, text=f"EXPLAIN PLAN SET STATEMENT_ID = 'tracestream' FOR {query.text}")


def rows_at_a_time(readings: Sequence[Reading], batch_size: int, lob_bytes: int) -> int:
    """How many rows a round trip brings: fewer where a value may be large."""
    unbounded = sum(known.is_unbounded for known in readings)
    if not unbounded:
        return batch_size
    return max(1, min(batch_size, _LOB_BATCH_BYTES // (unbounded * max(1, lob_bytes))))
