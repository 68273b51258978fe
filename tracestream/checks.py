"""What the demo compares: the stream's counts with the source's own, asked in SQL, and pages with the stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from catalogue.domain import AS_OF, IDS, Domain
from schemas.messages import COMPLETE
from tracestream.tally import DomainTally, Tally
from tracestream.verify import exact_json, msd_by_sql
from tracestream_client import AsyncClient

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what was looked at, in words, and whether it held."""

    text: str
    good: bool


@dataclass(frozen=True, slots=True)
class SourceCount:
    """A domain's rows by container ID, and those left out because theirs is NULL."""

    containers: Counter[str]
    nulls: int

    @property
    def total(self) -> int:
        return self.containers.total()


def count_by_sql(
    file: Path, domains: Sequence[Domain], container_ids: Sequence[str]
) -> dict[str, SourceCount]:
    """How many rows each domain has for each container, in one statement a domain: neither chunks nor JSON. Blocks."""
    counts = {}
    with duckdb.connect(str(file), read_only=True, config={"threads": "1"}) as connection:
        for domain in domains:
            query = domain.sql.replace(IDS, "SELECT unnest($ids)").replace(AS_OF, "")
            statement = f'SELECT "{domain.container_column}", count(*) FROM ({query}) GROUP BY 1'  # noqa: S608 - ours
            rows = dict(connection.execute(statement, {"ids": list(container_ids)}).fetchall())
            nulls = rows.pop(None, 0)
            counts[domain.name] = SourceCount(Counter(rows), nulls)
    return counts


def compare_aggregation(file: Path, container_ids: Sequence[str], found: bytes | None) -> Check:
    """The stream's msd against the same figures by SQL, number by number, none through a double. Blocks."""
    if found is None:
        return Check("there is no aggregation in the stream", False)
    wanted = msd_by_sql(file, container_ids)
    passes = wanted["totals"]["passes"]
    text = f"msd: totals over {passes:,} passes and {len(wanted['by'])} groupings, each figure as SQL has it"
    return Check(text, exact_json(found) == wanted)


def compare(tally: Tally, wanted: Mapping[str, SourceCount]) -> list[Check]:
    """Every count of the stream against ``wanted``, which :func:`count_by_sql` found."""
    checks = [
        Check(f"the stream ends with '{tally.terminal}'", tally.terminal == COMPLETE),
        Check(_faults(tally), not tally.faults),
        Check(f"domains: {', '.join(tally.domains)}", set(tally.domains) == set(wanted)),
    ]
    for name, source in wanted.items():
        domain = tally.domains.get(name) or DomainTally()
        found, containers, total = domain.containers, source.containers, source.total
        checks.append(
            Check(
                f"{name}: {found.total():,} records streamed, {total:,} rows by SQL", found.total() == total
            )
        )
        differ = sum(1 for key in found.keys() | containers.keys() if found[key] != containers[key])
        text = f"{name}: {len(containers):,} containers with rows, every row once"
        checks.append(
            Check(text if not differ else f"{name}: {differ:,} containers have other counts", not differ)
        )
        nulls = f"{name}: {domain.null_rows} rows without a container ID left out, {source.nulls} by SQL"
        checks.append(Check(nulls, domain.null_rows == source.nulls))
    return checks


def _faults(tally: Tally) -> str:
    if not tally.faults:
        return f"{tally.lines:,} lines, offsets rising, batches and record counts without a gap"
    return f"{len(tally.faults)} faults, the first: {tally.faults[0]}"


async def compare_pages(client: AsyncClient, job_id: str, wanted: Mapping[str, SourceCount]) -> list[Check]:
    """Pages at the beginning, in the middle and at the end of each domain: totals and lengths."""
    checks = []
    for name, source in wanted.items():
        total = source.total
        good = True
        for offset in {0, total // 2, max(0, total - _PAGE // 2), total}:
            page = await client.page(job_id, name, offset=offset, limit=_PAGE)
            rows = min(_PAGE, total - offset)
            good &= (page["total"], page["offset"], len(page["data"])) == (total, offset, rows)
        checks.append(Check(f"{name}: pages at the beginning, middle and end have their records", good))
    return checks
