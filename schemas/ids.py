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
    def from_command(cls, value: bytes | memoryview) -> ContainerIds:
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

        A binary search in the sorted order, which the first call makes: it costs 4 bytes an ID, and as many comparisons of
        whole columns as the number of IDs has binary digits.
        """
        if not len(self._ids) or not len(ids):
            return np.full(len(ids), -1, np.int64)
        ids = ids.cast(pa.string())
        low = np.zeros(len(ids), np.int64)
        high = np.full(len(ids), len(self._ids) - 1, np.int64)
        # After each round the first ID that is not less stands within [low, high], if there is one.
        for _ in range(len(self._ids).bit_length()):
            middle = (low + high) // 2
            less = _mask(pc.less(self._at(middle), ids))
            low = np.where(less, np.minimum(middle + 1, high), low)
            high = np.where(less, high, middle)
        hits = _mask(pc.equal(self._at(low), ids))
        return np.where(hits, self._order[low].astype(np.int64), -1)

    def _at(self, places: npt.NDArray[np.int64]) -> pa.StringArray:
        """The IDs at these places of the sorted order."""
        return self._ids.take(pa.array(self._order[places]))

    @cached_property
    def _order(self) -> npt.NDArray[np.uint32]:
        """The positions of the IDs in the order of their bytes."""
        return np.asarray(pc.sort_indices(self._ids)).astype(np.uint32)


def _mask(answers: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """Comparisons as booleans; one with NULL is false."""
    mask: npt.NDArray[np.bool_] = pc.fill_null(answers, False).to_numpy(zero_copy_only=False)
    return mask
