"""The container IDs of a submit: from the body's JSON text to the value of the command (design: "Words", "Submit"). Pure.

Rules:
1. An ID is a string of 1 to 256 characters, taken as it is; a problem about one names its ``index``, from 0.
2. They are made distinct, in order. Only distinct ones count.
3. Memory: the command's value, which is a copy of the text, and 8 bytes for each ID; only a few thousand IDs at a time are
   Python strings. A text with escapes is read at once instead, because its quotes do not say where a string ends.
"""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from broker.clients import LARGEST_SEND
from schemas.commands import SubmitValue
from schemas.problems import BodyTooLarge, InvalidBody, InvalidContainerId, TooManyContainerIds
from schemas.requests import MAX_ID_CHARACTERS

_PREFIX = b'{"container_ids":'
_PIECE_BYTES = 1 << 17
_PIECE_IDS = 8192
_HEADER_BYTES = 64 * 1024
_LARGEST = LARGEST_SEND - _HEADER_BYTES
_INDEX = re.compile(r"\[([0-9]+)\]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_decode = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


class Digest(Protocol):
    """What of hashlib's objects is used."""

    def update(self, data: bytes, /) -> None: ...


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
    value = b"".join((_PREFIX, memoryview(text), b"}"))
    try:
        hashes, digest = _read(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _explain(value, error)
    total = len(hashes)
    if not total:
        raise InvalidBody("container_ids is empty; give at least one container ID.")
    repeated = _repeated(hashes)
    count = total
    if repeated or len(value) > _LARGEST:
        value, count, digest = _rewritten(value, repeated)
    if count > limit:
        raise TooManyContainerIds(
            f"The request has {count:,} distinct container IDs; at most {limit:,} are allowed. Split it into several jobs.",
            limit=limit,
        )
    if len(value) > _LARGEST:
        raise BodyTooLarge(
            f"The container IDs take {len(value):,} bytes; one job takes at most {_LARGEST:,}. Split it into several jobs.",
            limit=_LARGEST,
        )
    return DistinctIds(value, count, total - count, digest)


def _pieces(value: bytes) -> Iterator[list[str]]:
    """The IDs, some thousands at a time. Raises as msgspec does, where an element is no string."""
    begin, end = len(_PREFIX) + 1, value.rfind(b"]")
    if b"\\" in value or not value.startswith(b"[", begin - 1):
        yield _decode(memoryview(value)[begin - 1 : -1])
        return
    while end - begin > _PIECE_BYTES and (comma := _comma(value, begin, end)) > 0:
        yield _decode(b"[%b]" % value[begin:comma])
        begin = comma + 1
    yield _decode(b"[%b]" % value[begin:end])


def _comma(value: bytes, begin: int, end: int) -> int:
    """The comma behind the string that lies at a piece's length, or follows there; -1 where there is none. ``begin`` is outside
    of any string."""
    place = begin + _PIECE_BYTES
    inside = value.count(b'"', begin, place) % 2
    for _ in range(1 if inside else 2):
        place = value.find(b'"', place, end) + 1
        if not place:
            return -1
    return value.find(b",", place, end)


def _read(value: bytes) -> tuple[npt.NDArray[np.int64], bytes]:
    """A hash of each ID in no order of meaning, and the digest of all. Raises InvalidContainerId for a wrong length."""
    hashes, digest = array("q"), hashlib.sha256()
    for piece in _pieces(value):
        _check_lengths(piece, len(hashes))
        hashes.extend(map(hash, piece))
        _add(digest, piece)
    return np.frombuffer(hashes, np.int64), digest.digest()


def _check_lengths(piece: list[str], before: int) -> None:
    if not piece or (all(piece) and len(max(piece, key=len)) <= MAX_ID_CHARACTERS):
        return
    index, each = next((n, each) for n, each in enumerate(piece) if not 1 <= len(each) <= MAX_ID_CHARACTERS)
    raise InvalidContainerId(
        f"The container ID at index {before + index} has {len(each)} characters; it must have 1 to {MAX_ID_CHARACTERS}.",
        index=before + index,
    )


def _add(digest: Digest, piece: list[str]) -> None:
    """Each ID as JSON with a comma behind it, so that ["ab", "c"] and ["a", "bc"] differ and pieces do not matter."""
    if piece:
        digest.update(_encode(piece)[1:-1] + b",")


def _repeated(hashes: npt.NDArray[np.int64]) -> frozenset[int]:
    """The hashes that occur more than once. Sorts in place."""
    hashes.sort()
    return frozenset(hashes[1:][hashes[1:] == hashes[:-1]].tolist())


def _rewritten(value: bytes, repeated: frozenset[int]) -> tuple[bytes, int, bytes]:
    """Value, count and digest of the distinct IDs, compactly written. Equal hashes narrow the search, the texts decide."""
    written, count, digest = bytearray(_PREFIX + b"["), 0, hashlib.sha256()
    seen: set[str] = set()
    for piece in _pieces(value):
        kept = []
        for each in piece:
            if hash(each) in repeated:
                if each in seen:
                    continue
                seen.add(each)
            kept.append(each)
        if kept:
            written += (b"," if count else b"") + _encode(kept)[1:-1]
            count += len(kept)
            _add(digest, kept)
    return bytes(written + b"]}"), count, digest.digest()


def _explain(value: bytes, cause: Exception) -> NoReturn:
    """Says what is wrong with IDs that could not be read: slow and exact."""
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
