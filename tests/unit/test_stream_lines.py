"""Pure parts of the tail: lines out of pieces, the cursor, the back-off."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestream.backoff import Backoff
from tracestream.ndjson import Cursor, LineSplitter, NotALine, head

LINES = st.lists(
    st.one_of(st.just(b"\n"), st.binary(max_size=40).map(lambda b: b"x" + b.replace(b"\n", b"") + b"\n"))
)


def line(offset: int, kind: str = "records") -> bytes:
    return b'{"offset":%d,"type":"%s","data":[]}\n' % (offset, kind.encode())


@given(LINES, st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), st.data())
def test_lines_are_the_same_however_the_body_is_cut(
    lines: list[bytes], rest: bytes, data: st.DataObject
) -> None:
    body = b"".join(lines) + rest
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)))))
    splitter = LineSplitter()
    got: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        got += splitter.feed(body[start:end])
    assert got == [each for each in lines if each.strip()]


def test_an_incomplete_line_is_never_handed_on() -> None:
    splitter = LineSplitter()
    assert list(splitter.feed(line(1) + line(2)[:-1])) == [line(1)]


def test_the_head_of_a_line() -> None:
    assert head(line(12, "meta")) == (12, "meta")


@pytest.mark.parametrize("text", [b"<html>\n", b'{"type":"meta"}\n', b'{"offset":-1,"type":"meta"}\n'])
def test_other_text_is_not_a_line(text: bytes) -> None:
    with pytest.raises(NotALine):
        head(text)


@given(st.lists(st.integers(0, 30)))
def test_a_cursor_takes_each_offset_once_and_in_order(offsets: list[int]) -> None:
    cursor = Cursor()
    taken = [offset for offset in offsets if cursor.take(line(offset))]
    assert taken == sorted(set(taken))
    assert cursor.next == (taken[-1] + 1 if taken else 0)


@pytest.mark.parametrize("kind", ["complete", "error", "cancelled"])
def test_a_terminal_message_ends_it(kind: str) -> None:
    cursor = Cursor(5)
    assert cursor.take(line(5, kind))
    assert cursor.terminal == kind
    assert not cursor.take(line(6))


@given(st.integers(0, 60), st.randoms())
def test_a_wait_lies_between_nothing_and_a_bound_that_doubles(attempts: int, rng: random.Random) -> None:
    backoff = Backoff(rng.uniform, first=0.5, most=10.0, patience=1e9)
    for attempt in range(attempts):
        wait = backoff.next_wait(0.0)
        assert wait is not None
        assert 0 <= wait <= min(10.0, 0.5 * 2**attempt)


def test_retry_after_is_the_least_wait() -> None:
    assert Backoff(lambda low, _high: low).next_wait(0.0, retry_after=7.0) == 7.0


def test_patience_ends_and_begins_anew_with_progress() -> None:
    backoff = Backoff(lambda _low, high: high, first=1.0, patience=10.0)
    assert backoff.next_wait(0.0) == 1.0
    assert backoff.next_wait(9.0) is None
    backoff.progress()
    assert backoff.next_wait(100.0) == 1.0
