"""Container IDs cut into chunks, and bind lists of few lengths. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from catalogue.domain import MAX_IN_LIST
from schemas.ids import ContainerIds


def chunk_count(ids: int, size: int) -> int:
    """How many chunks so many container IDs make."""
    return -(-ids // size)


def is_small(ids: int, sizes: Iterable[int]) -> bool:
    """Whether so many container IDs are one chunk in domains with these chunk sizes, and no more than an ordinary chunk has."""
    return ids <= MAX_IN_LIST and all(chunk_count(ids, size) <= 1 for size in sizes)


def chunk_of(ids: ContainerIds, index: int, size: int) -> list[str]:
    """The container IDs of chunk ``index``, from 0. The same for every reader of the command, so that a successor can go on."""
    return ids[index * size : (index + 1) * size]


def padded(ids: Sequence[str], size: int) -> list[str]:
    """The IDs with the last one repeated up to one of four lengths (1, 10, 100, ``size``), so that a database that
    prepares each statement text anew sees only four. A repeated ID in an IN-list adds no row."""
    length = next((length for length in (1, 10, 100) if len(ids) <= length < size), max(size, len(ids)))
    return [*ids, *[ids[-1]] * (length - len(ids))]
