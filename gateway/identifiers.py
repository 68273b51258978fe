"""The container IDs of a submit: from the body's JSON text to the value of the command (design: "Words", "Submit"). Pure.

Rules:
1. An ID is a string of 1 to 256 characters, taken as it is; a problem about one names its ``index``, from 0.
2. They are made distinct, in order. Only distinct ones count.
3. Memory: the text, its copy as the command's value, and two flat buffers; never a Python string for each ID. The exact place
   of a mistake is looked for only when there is one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import NoReturn

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from broker.clients import LARGEST_SEND
from schemas.commands import SubmitValue
from schemas.ids import ContainerIds
from schemas.problems import BodyTooLarge, InvalidBody, InvalidContainerId, TooManyContainerIds
from schemas.requests import MAX_ID_CHARACTERS

_PIECE = 8192
_HEADER_BYTES = 64 * 1024
_INDEX = re.compile(r"\[([0-9]+)\]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class DistinctIds:
    """``value`` is the command's value, ``count`` its distinct IDs, ``digest`` a SHA-256 over them, whatever their spelling."""

    value: bytes
    count: int
    dropped: int
    digest: bytes


def distinct_ids(text: bytes | msgspec.Raw, limit: int) -> DistinctIds:
    """The IDs in ``text``, a JSON array of strings.

    Raises InvalidBody, InvalidContainerId (``index``), TooManyContainerIds (``limit``), or BodyTooLarge when they do not fit
    into one message.
    """
    value = b'{"container_ids":%b}' % bytes(text)
    ids = _parse(value)
    if not len(ids):
        raise InvalidBody("container_ids is empty; give at least one container ID.")
    _check_lengths(ids)
    repeated = _repeated(ids)
    count = len(ids) - len(repeated)
    if count > limit:
        raise TooManyContainerIds(
            f"The request has {count:,} distinct container IDs; at most {limit:,} are allowed. Split it into several jobs.",
            limit=limit,
        )
    if len(repeated):
        keep = np.ones(len(ids), np.bool_)
        keep[repeated] = False
        ids = ids.filter(pa.array(keep))
    if len(repeated) or len(value) + _HEADER_BYTES > LARGEST_SEND:
        value = _encode(ids)
    if len(value) + _HEADER_BYTES > LARGEST_SEND:
        largest = LARGEST_SEND - _HEADER_BYTES
        raise BodyTooLarge(
            f"The container IDs take {len(value):,} bytes; one job takes at most {largest:,}. Split it into several jobs.",
            limit=largest,
        )
    return DistinctIds(value, count, len(repeated), _digest(ids))


def _parse(value: bytes) -> pa.StringArray:
    try:
        return ContainerIds.from_command(value).array
    except (ValueError, pa.ArrowException) as error:
        _explain(value, error)


def _explain(value: bytes, cause: Exception) -> NoReturn:
    """Says what is wrong with IDs that could not be parsed: slow and exact."""
    try:
        msgspec.json.decode(value, type=SubmitValue)
        ids = json.loads(value)["container_ids"]
    except UnicodeDecodeError as error:
        raise InvalidBody(f"container_ids is not UTF-8: byte {error.start} can't be decoded.") from None
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        found = _INDEX.search(place)
        if found is None:
            raise InvalidBody(f"container_ids must be an array of strings: {what}.") from None
        raise InvalidContainerId(
            f"The container ID at index {found[1]} is not a string: {what}.", index=int(found[1])
        ) from None
    except msgspec.DecodeError:
        ids = json.loads(value)["container_ids"]
    for index, each in enumerate(ids):
        if _SURROGATE.search(each):
            raise InvalidContainerId(
                f"The container ID at index {index} has half of a surrogate pair.", index=index
            )
    raise InvalidBody(f"container_ids can't be read: {cause}") from cause


def _check_lengths(ids: pa.StringArray) -> None:
    lengths = pc.utf8_length(ids)
    shortest, longest = pc.min_max(lengths).values()
    if shortest.as_py() >= 1 and longest.as_py() <= MAX_ID_CHARACTERS:
        return
    wrong = pc.or_(pc.less(lengths, 1), pc.greater(lengths, MAX_ID_CHARACTERS))
    index = pc.index(wrong, True).as_py()
    raise InvalidContainerId(
        f"The container ID at index {index} has {lengths[index].as_py()} characters; it must have 1 to {MAX_ID_CHARACTERS}.",
        index=index,
    )


def _repeated(ids: pa.StringArray) -> npt.NDArray[np.int64]:
    """The positions of IDs that stood before, in order. Equal hashes only narrow the search; the texts decide."""
    hashes = np.concatenate(
        [
            np.fromiter(map(hash, ids.slice(start, _PIECE).to_pylist()), np.int64)
            for start in range(0, len(ids), _PIECE)
        ]
    )
    ordered = np.sort(hashes)
    shared = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(shared):
        return np.empty(0, np.int64)
    seen: set[str] = set()
    repeated = []
    suspects = np.flatnonzero(np.isin(hashes, shared))
    for start in range(0, len(suspects), _PIECE):
        places = suspects[start : start + _PIECE]
        for place, each in zip(places, ids.take(pa.array(places)).to_pylist(), strict=True):
            if each in seen:
                repeated.append(place)
            seen.add(each)
    return np.array(repeated, np.int64)


def _encode(ids: pa.StringArray) -> bytes:
    pieces = [
        msgspec.json.encode(ids.slice(start, _PIECE).to_pylist())[1:-1]
        for start in range(0, len(ids), _PIECE)
    ]
    return b'{"container_ids":[%b]}' % b",".join(pieces)


def _digest(ids: pa.StringArray) -> bytes:
    """Over the lengths and the bytes of the IDs, so that ["ab", "c"] and ["a", "bc"] differ."""
    hashed = hashlib.sha256(pc.binary_length(ids).to_numpy(zero_copy_only=False).astype("<i4").tobytes())
    _, offsets, data = ids.buffers()
    ends = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    hashed.update(memoryview(data)[ends[0] : ends[-1]])
    return hashed.digest()
