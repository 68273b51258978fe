"""The data of the fault runs, and what an answer over them must hold: read from the file with SQL, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from catalogue.domain import DUCKDB, Domain
from catalogue.loader import Catalogue, load_catalogue
from producers.encode import drop_null_containers, encode_records
from tracestream.data import DemoData, container_ids, generate
from tracestream.verify import msd_by_sql

SCALE = 0.02
CHUNK = 50
"""Containers of a chunk: small, so that a job has many."""
TIMEOUT = 3.0
"""Seconds that a chunk may take, so that one that hangs is soon given up."""
DOMAINS = ("history", "materials")


@dataclass(frozen=True, slots=True)
class Expected:
    """What the log of a job must hold: the records of each domain in order as their exact JSON, and the rows left out."""

    records: dict[str, list[bytes]]
    left_out: dict[str, int]


@dataclass
class Plant:
    """The demo data and a catalogue of its two domains in small chunks, in ``folder``."""

    folder: Path
    _known: dict[tuple[tuple[str, ...], str], tuple[list[bytes], int]] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> Plant:
        folder.mkdir(parents=True, exist_ok=True)
        plant = cls(folder)
        generate(plant.database, DemoData().scaled(SCALE))
        for name in DOMAINS:
            packaged = load_catalogue()[name]
            (folder / f"{name}.sql").write_text(packaged.sql)
            (folder / f"{name}.toml").write_text(
                f'description = "{packaged.description}"\ncontainer_id = "{packaged.container_column}"\n'
                f"chunk_size = {CHUNK}\ntimeout_seconds = {TIMEOUT}\n"
            )
        return plant

    @property
    def database(self) -> Path:
        return self.folder / "plant.duckdb"

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue(self.folder)

    @cached_property
    def containers(self) -> list[str]:
        """Every container ID."""
        return list(container_ids(self.database))

    def expected(self, ids: Sequence[str], domains: Sequence[str]) -> Expected:
        """What a job over ``ids`` must answer."""
        found = {name: self._read(tuple(ids), self.catalogue[name]) for name in domains}
        return Expected(
            {name: records for name, (records, _) in found.items()},
            {name: left_out for name, (_, left_out) in found.items()},
        )

    def aggregation(self, ids: Sequence[str]) -> Any:
        """``msd`` over ``ids`` as SQL finds it, numbers as integers and Decimals."""
        return msd_by_sql(self.database, ids)

    def _read(self, ids: tuple[str, ...], domain: Domain) -> tuple[list[bytes], int]:
        key = (ids, domain.name)
        if key not in self._known:
            self._known[key] = self._read_anew(ids, domain)
        return self._known[key]

    def _read_anew(self, ids: tuple[str, ...], domain: Domain) -> tuple[list[bytes], int]:
        records: list[bytes] = []
        left_out = 0
        with duckdb.connect(str(self.database), read_only=True, config={"threads": 1}) as connection:
            for start in range(0, len(ids), CHUNK):
                rows = connection.sql(domain.render(DUCKDB, ids[start : start + CHUNK]))
                for batch in rows.to_arrow_reader(100_000):
                    kept, dropped = drop_null_containers(batch, domain.container_column)
                    encoded = encode_records(kept)
                    records += (encoded.record(index) for index in range(len(encoded)))
                    left_out += dropped
        return records, left_out
