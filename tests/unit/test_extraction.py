"""Where an extraction goes on."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from catalogue.domain import parse_domain
from joblog.states import StateView
from joblog.transactions import Transactor
from joblog.writer import LogWriter
from producers.chunks import chunk_of
from producers.extraction import Extraction
from producers.settings import ProducerSettings
from schemas.commands import Request
from schemas.ids import ContainerIds
from schemas.jobs import CommandPlace, DomainProgress, new_state
from schemas.topics import Names


def an_extraction(ids: list[str], chunk_size: int, done: DomainProgress) -> Extraction:
    domain = parse_domain(
        "lots",
        "SELECT CONTAINERID FROM LOTS WHERE CONTAINERID IN ({{ids}})",
        f'description = "lots"\ncontainer_id = "CONTAINERID"\nchunk_size = {chunk_size}\n',
    )
    request = Request(
        job_id="01a20fe4-0701-7f9c-9c2a-81ea677b94db",
        domains=("lots",),
        cid_count=len(ids),
        duplicates_dropped=0,
        batch_size=5000,
        ttl_seconds=60,
        principal="a",
        request_hash="h",
        submitted_at=0,
    )
    state = msgspec.structs.replace(new_state(request, CommandPlace(0, 0), "t"), progress=(done,))
    writer = LogWriter(cast(Transactor, None), Names(), 0, StateView(), state)
    source: Any = None
    known = ContainerIds.from_iterable(ids)
    return Extraction(writer, source, [domain], known, None, ProducerSettings(), lambda _: {})


def planned(extraction: Extraction, ids: list[str]) -> list[str]:
    known = ContainerIds.from_iterable(ids)
    return [
        each for place in extraction.plan() for each in chunk_of(known, place.index, place.domain.chunk_size)
    ]


@given(st.integers(1, 300), st.integers(1, 50), st.integers(1, 50), st.integers(0, 300))
def test_what_is_left_is_the_same_though_the_catalogues_chunk_size_has_changed(
    count: int, begun_with: int, now: int, done: int
) -> None:
    ids = [f"C{number}" for number in range(count)]
    chunks = min(done, -(-count // begun_with))
    progress = DomainProgress("lots", chunk_size=begun_with, chunks=chunks, started=True)
    assert planned(an_extraction(ids, now, progress), ids) == ids[chunks * begun_with :]


def test_a_job_that_has_not_begun_takes_the_catalogues_chunk_size() -> None:
    (first, second) = an_extraction(["a", "b", "c"], 2, DomainProgress("lots")).plan()
    assert (first.last, second.last) == (False, True)
