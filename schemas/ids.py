"""The container IDs of a job: up to hundreds of thousands of texts in two flat buffers.

A Python string for each would cost 65 bytes beside its text; here an ID costs its UTF-8 bytes and 4 for its place, and only a
slice in use becomes strings. The position of an ID in this order is the number by which others may name it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import islice
from typing import overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

_WIDEST_KEY = 64
"""Bytes of an ID that the sorted index looks at; longer IDs are looked up the slow way."""
_PIECE = 10_000


class ContainerIds:
    """An immutable sequence of container IDs, in the order of the submit."""

    def __init__(self, ids: pa.StringArray) -> None:
        self._ids = ids

    @classmethod
    def from_iterable(cls, ids: Iterable[str]) -> ContainerIds:
        """Takes the IDs as they come, without holding them as strings."""
        rest = iter(ids)
        pieces = []
        while piece := list(islice(rest, _PIECE)):
            pieces.append(pa.array(piece, pa.string()))
        return cls(pa.concat_arrays(pieces) if pieces else pa.array([], pa.string()))

    @classmethod
    def from_command(cls, value: bytes) -> ContainerIds:
        """The IDs of a submit's value, ``{"container_ids":[…]}`` (:class:`schemas.commands.SubmitValue`).

        Raises ValueError when it is no such thing.
        """
        schema = pa.schema([pa.field("container_ids", pa.list_(pa.string()))])
        options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
        whole = pyarrow.json.ReadOptions(use_threads=False, block_size=len(value) + 1)
        table = pyarrow.json.read_json(pa.BufferReader(value), read_options=whole, parse_options=options)
        if table.num_rows != 1 or table.column(0).null_count:
            raise ValueError("not the value of a submit: container_ids is missing")
        ids = table.column(0).chunk(0).flatten()
        if ids.null_count:
            raise ValueError("not the value of a submit: a container ID is null")
        ids.validate(full=True)
        return cls(ids)

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    def __getitem__(self, key: int | slice) -> str | list[str]:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self._ids))
            chosen: list[str] = self._ids.take(pa.array(range(start, stop, step), pa.int64())).to_pylist()
            return chosen
        return str(self._ids[key].as_py())

    @property
    def nbytes(self) -> int:
        """Memory of the buffers."""
        return int(self._ids.nbytes)

    def index_of(self, ids: pa.Array) -> npt.NDArray[np.int64]:
        """The position of each of ``ids`` (strings), -1 where it is none of these or NULL.

        A binary search over the sorted IDs, which the first call makes (it costs a copy of the IDs and 8 bytes each).
        """
        found = np.full(len(ids), -1, np.int64)
        if not len(self._ids) or not len(ids):
            return found
        ids = ids.cast(pa.string())
        width, keys, order = self._sorted
        places = np.minimum(np.searchsorted(keys, _fixed_width(ids, width)), len(keys) - 1)
        positions = order[places]
        hits = pc.fill_null(pc.equal(self._ids.take(pa.array(positions)), ids), False).to_numpy(
            zero_copy_only=False
        )
        found[hits] = positions[hits]
        # What the fixed-width keys can't tell apart: IDs that differ behind their width or by NULs at their end.
        missed = np.flatnonzero(~hits)
        if len(missed) and self._keys_are_ambiguous:
            slow = pc.index_in(ids.take(pa.array(missed)), value_set=self._ids)
            found[missed] = pc.fill_null(slow, -1).to_numpy(zero_copy_only=False)
            found[pc.is_null(ids).to_numpy(zero_copy_only=False)] = -1
        return found

    @cached_property
    def _sorted(self) -> tuple[int, npt.NDArray[np.bytes_], npt.NDArray[np.int64]]:
        width = max(1, min(_WIDEST_KEY, pc.max(pc.binary_length(self._ids)).as_py()))
        keys = _fixed_width(self._ids, width)
        order = np.argsort(keys, kind="stable")
        return width, keys[order], order

    @cached_property
    def _keys_are_ambiguous(self) -> bool:
        _, keys, _ = self._sorted
        return bool((keys[1:] == keys[:-1]).any())


def _fixed_width(ids: pa.StringArray, width: int) -> npt.NDArray[np.bytes_]:
    """The first ``width`` bytes of each text, filled up with NULs: numpy's ``S`` type."""
    _, offsets, data = ids.buffers()
    ends = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    characters = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    keys = np.zeros((len(ids), width), np.uint8)
    lengths = np.minimum(np.diff(ends), width)
    for place in range(width):
        longer = np.flatnonzero(lengths > place)
        keys[longer, place] = characters[ends[longer] + place]
    return keys.reshape(-1).view(f"S{width}")
