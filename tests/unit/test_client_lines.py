"""Bytes into lines into messages: however a body is cut into pieces, the same comes out."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestream_client import NotTracestream
from tracestream_client.lines import LineSplitter, head
from tracestream_client.messages import MessageReader

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=3)
ENDS = st.sampled_from([b"\n", b"\r\n"])
BLANKS = st.sampled_from([b"", b"\n", b"\r\n", b"\n\n", b" \n"])


def split(body: bytes, cuts: list[int]) -> list[bytes]:
    """``body`` in the pieces that lie between ``cuts``."""
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


def messages(pieces: list[bytes]) -> list[dict[str, Any]]:
    """What a client makes of the pieces of a body."""
    splitter, reader = LineSplitter(), MessageReader()
    lines = [line for piece in pieces for line in splitter.feed(piece) if not line.isspace()]
    return [message for line in lines for message in reader.read(line, head(line)[1])]


@given(
    st.lists(st.tuples(RECORDS, ENDS, BLANKS), max_size=5),
    st.booleans(),
    st.lists(st.integers(0, 2000), max_size=30),
    st.booleans(),
)
def test_any_split_of_the_bytes_gives_the_messages_of_whole_lines(
    log: list[tuple[list[dict[str, Any]], bytes, bytes]], escaped: bool, cuts: list[int], ended: bool
) -> None:
    wanted = [
        {"offset": n, "type": "records", "domain": "d", "batch": n, "data": data}
        for n, (data, _, _) in enumerate(log)
    ]
    texts = [
        json.dumps(each, ensure_ascii=escaped, separators=(",", ":")).encode("utf-8", "surrogatepass")
        for each in wanted
    ]
    body = b"".join(text + end + blank for text, (_, end, blank) in zip(texts, log, strict=True))
    if not ended:
        body += b'{"offset":99,"type":"rec'
    assert messages(split(body, cuts)) == wanted


def test_bytes_one_by_one_inside_a_character_give_the_same() -> None:
    line = '{"offset":0,"type":"meta","t":"膠量é😀"}\r\n'.encode()
    assert messages([bytes([each]) for each in line]) == [{"offset": 0, "type": "meta", "t": "膠量é😀"}]


@pytest.mark.parametrize("size", [1 << 10, 1 << 16, 1 << 20])
def test_a_line_of_20_mb_comes_whole_in_pieces_of_any_size(size: int) -> None:
    text = "膠" * 7_000_000
    line = json.dumps(
        {"offset": 1, "type": "records", "domain": "d", "batch": 1, "data": [text]}, ensure_ascii=False
    )
    body = line.replace('": ', '":').replace(", ", ",").encode() + b"\n"
    assert len(body) > 20 << 20
    (message,) = messages([body[start : start + size] for start in range(0, len(body), size)])
    assert message["data"] == [text]


def test_what_stands_behind_the_last_line_end_is_never_handed_on() -> None:
    splitter = LineSplitter()
    assert list(splitter.feed(b"a\nb")) == [b"a\n"]
    assert list(splitter.feed(b"c")) == []
    assert list(splitter.feed(b"\n")) == [b"bc\n"]


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    splitter = LineSplitter(longest=1000)
    with pytest.raises(NotTracestream, match="more than 1,000 bytes"):
        for _ in range(100):
            list(splitter.feed(b"x" * 100))


def test_a_line_that_ended_does_not_count_against_the_next() -> None:
    splitter = LineSplitter(longest=1000)
    for _ in range(100):
        assert list(splitter.feed(b"x" * 300)) == []
        assert len(list(splitter.feed(b"x" * 300 + b"\n"))) == 1


def test_the_head_of_a_line() -> None:
    assert head(b'{"offset":12,"type":"domain_start","x":1}\n') == (12, "domain_start")


@pytest.mark.parametrize(
    "text", [b"<html>\n", b'{"type":"meta"}\n', b'{"offset":-1,"type":"meta"}\n', b'{"offset":1,"type":1}\n']
)
def test_other_text_is_not_a_line(text: bytes) -> None:
    with pytest.raises(NotTracestream):
        head(text)


@pytest.mark.parametrize("rest", [b"}", b'"data":[}', b'"data":"\xff"}', b'"a":1} {}'])
def test_a_line_that_is_no_json_object_is_said(rest: bytes) -> None:
    with pytest.raises(NotTracestream, match="not JSON"):
        MessageReader().message(b'{"offset":1,"type":"records",' + rest + b"\n", "records")
