"""Container IDs from a body to a command's value (gateway.identifiers)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway import identifiers
from gateway.identifiers import distinct_ids
from schemas.commands import SubmitValue
from schemas.ids import ContainerIds
from schemas.problems import BodyTooLarge, InvalidBody, InvalidContainerId, TooManyContainerIds

PLENTY = 10_000_000
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@pytest.fixture(autouse=True, scope="module", params=[8, 1 << 17])
def piece_bytes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything holds for pieces of any size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identifiers, "_PIECE_BYTES", request.param)
        yield


@given(st.lists(IDS, min_size=1, max_size=60), st.booleans())
@example(["a", ",", '"', "\\", '","', "[", "]", "a"], False)
@example(["\x00", "\x00\x00", "é", "e\u0301"], True)
def test_ids_are_made_distinct_in_order_and_kept_as_they_are(ids: list[str], escaped: bool) -> None:
    made = distinct_ids(json.dumps(ids, ensure_ascii=escaped).encode(), PLENTY)
    distinct = list(dict.fromkeys(ids))
    assert msgspec.json.decode(made.value, type=SubmitValue).container_ids == distinct
    assert ContainerIds.from_command(made.value)[:] == distinct
    assert (made.count, made.dropped) == (len(distinct), len(ids) - len(distinct))


@given(st.lists(IDS, min_size=1, max_size=30))
def test_the_digest_depends_on_the_ids_alone_and_not_on_their_spelling(ids: list[str]) -> None:
    plain = distinct_ids(json.dumps(ids, ensure_ascii=False, separators=(",", ":")).encode(), PLENTY)
    spaced = distinct_ids(json.dumps(ids, indent=3).encode(), PLENTY)
    assert plain.digest == spaced.digest
    other = distinct_ids(json.dumps([*ids, "another one here"]).encode(), PLENTY)
    assert other.digest != plain.digest


def test_the_digest_tells_where_an_id_ends() -> None:
    assert distinct_ids(b'["ab","c"]', 9).digest != distinct_ids(b'["a","bc"]', 9).digest


@pytest.mark.parametrize("separator", [",", ", ", " ,\n\t"])
def test_a_text_of_many_pieces_is_read_whole(separator: str) -> None:
    ids = [f"C,{n:06d}]" if n % 3 else f"[{n}," for n in range(40_000)]
    text = "[ " + separator.join(json.dumps(each) for each in ids) + " ]"
    made = distinct_ids(text.encode(), PLENTY)
    assert (made.count, made.dropped) == (len(ids), 0)
    assert msgspec.json.decode(made.value, type=SubmitValue).container_ids == ids


def test_repeated_ids_far_apart_are_found() -> None:
    ids = [f"C{n:06d}" for n in range(30_000)] * 2
    made = distinct_ids(json.dumps(ids).encode(), 30_000)
    assert (made.count, made.dropped) == (30_000, 30_000)
    assert msgspec.json.decode(made.value, type=SubmitValue).container_ids == ids[:30_000]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (b'["a",1]', 1),
        (b"[null]", 0),
        (b'["a",["b"]]', 1),
        (b'["a",{"b":"c"}]', 1),
        (b'["a","b",""]', 2),
        (b'["a","' + b"x" * 257 + b'"]', 1),
        (b'["a","\\ud800"]', 1),
        (b"[" + b'"abcdefgh",' * 50_000 + b"7]", 50_000),
        (b"[" + b'"abcdefgh",' * 50_000 + b'"","a"]', 50_000),
    ],
)
def test_a_wrong_id_is_named_by_its_index(text: bytes, index: int) -> None:
    with pytest.raises(InvalidContainerId) as refusal:
        distinct_ids(text, PLENTY)
    assert refusal.value.document()["index"] == index
    assert str(index) in refusal.value.detail


@pytest.mark.parametrize("text", [b"[]", b"[ ]", b'"a"', b"null", b"{}", b"1", b'["\xff"]'])
def test_what_is_no_list_of_ids_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidBody):
        distinct_ids(text, PLENTY)


def test_256_characters_are_counted_as_characters() -> None:
    assert distinct_ids(json.dumps(["膠" * 256]).encode(), 1).count == 1


def test_only_distinct_ids_count_towards_the_limit() -> None:
    assert distinct_ids(b'["a","b","a"]', 2).count == 2
    with pytest.raises(TooManyContainerIds) as refusal:
        distinct_ids(b'["a","b","c"]', 2)
    assert refusal.value.document()["limit"] == 2


def test_ids_that_do_not_fit_into_one_message_are_refused() -> None:
    ids = [f"{n:06d}" + "膠" * 250 for n in range(23_000)]
    with pytest.raises(BodyTooLarge):
        distinct_ids(json.dumps(ids, ensure_ascii=False).encode(), PLENTY)


def test_ids_that_fit_without_their_blanks_are_taken() -> None:
    text = b'["a",' + b" " * (17 << 20) + b'"b"]'
    assert len(distinct_ids(text, 2).value) < 100
