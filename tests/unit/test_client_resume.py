"""What a stream does next, without a socket: a server of the imagination cuts, repeats, refuses and hangs up."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cutting import LOG, OFFSETS, line
from tracestream_client import (
    ConnectionLost,
    Interrupted,
    JobCancelled,
    JobExpired,
    JobFailed,
    NotTracestream,
    ServiceProblem,
)
from tracestream_client.backoff import Retry
from tracestream_client.errors import TracestreamError, problem_error
from tracestream_client.messages import LineReader, RecordReader
from tracestream_client.operations import Answer
from tracestream_client.resume import NDJSON, Resume

OK = Answer(200, {"content-type": NDJSON}, b"")
RETRY = Retry(3, None, 0.25)


def lines(**options: int | None) -> Resume[bytes]:
    return Resume(LineReader(), RETRY, draw=lambda low, _: low, **options)  # type: ignore[arg-type]


def served(parameters: dict[str, str], log: list[bytes] = LOG) -> list[bytes]:
    """What an uncut answer to the request would have."""
    first = int(parameters["offset"])
    found = [each for each in log if json.loads(each)["offset"] >= first]
    return found[: int(parameters["limit"])] if "limit" in parameters else found


@given(
    st.lists(st.integers(0, 400), max_size=8),
    st.lists(st.integers(1, 60)),
    st.integers(0, 13),
    st.none() | st.integers(1, 10),
    st.none() | st.integers(1, 4),
    st.booleans(),
)
def test_each_line_comes_once_and_in_order_wherever_it_is_cut(
    cuts: list[int], sizes: list[int], start: int, limit: int | None, pull: int | None, repeats: bool
) -> None:
    resume, got, rng = lines(offset=start, limit=limit, pull_lines=pull), list[bytes](), random.Random(0)
    requests = 0
    while not resume.over:
        parameters = resume.ask()
        requests += 1
        resume.answered(OK)
        body = b"\n".join(served(parameters)) + b"\n"
        if repeats:
            body = LOG[0] + b"\r\n" + body
        cut = cuts.pop(0) if cuts else None
        body = body if cut is None else body[:cut]
        while body and not resume.over:
            size = rng.choice(sizes or [1000])
            got += resume.feed(body[:size])
            body = body[size:]
        if not resume.over:
            resume._backoff.progress()
            resume.ended(None if cut is None else Interrupted("cut"), 0.0)
    wanted = [each for offset, each in zip(OFFSETS, LOG, strict=True) if offset >= start]
    assert got == wanted[:limit]
    assert resume.terminal == ("complete" if len(wanted) <= (limit or 99) else None)
    assert requests <= 9 + len(LOG)


def test_it_asks_behind_the_last_line_that_was_taken_not_the_last_that_came() -> None:
    resume = lines()
    feeding = resume.feed(b"".join(LOG[:4]))
    assert [next(feeding), next(feeding)] == LOG[:2]
    assert resume.offset == 2
    assert resume.ask() == {"offset": "2"}


def test_a_proper_end_without_the_last_message_is_a_cut() -> None:
    resume = lines()
    resume.ask()
    list(resume.feed(b"".join(LOG[:3])))
    resuming = resume.ended(None, 0.0)
    assert resuming is not None
    assert (resuming.offset, resume.resumed) == (3, 1)
    assert "without its last message" in str(resuming.reason)


def test_half_a_line_again_and_again_is_no_progress() -> None:
    resume = lines()
    list(resume.feed(LOG[0]))
    resume.ended(None, 0.0)
    with pytest.raises(ConnectionLost, match="Gave up at offset 1") as caught:
        for _ in range(RETRY.tries or 0):
            list(resume.feed(LOG[1][:-1]))
            resume.ended(Interrupted("cut"), 0.0)
            resume.ask()
    assert caught.value.offset == 1
    assert isinstance(caught.value.__cause__, Interrupted)


def test_a_keep_alive_is_progress() -> None:
    resume = lines()
    for _ in range(20):
        resume.ask()
        list(resume.feed(b"\n"))
        assert resume.ended(None, 0.0) is not None


def test_after_it_gave_up_it_may_be_asked_to_go_on() -> None:
    resume = lines()
    for _ in range(2):
        assert [resume.ended(None, 0.0) is None for _ in range(2)] == [False, False]
        with pytest.raises(ConnectionLost):
            resume.ended(None, 0.0)
    list(resume.feed(b"".join(LOG)))
    assert resume.over


def test_the_last_error_is_told_as_it_is_when_the_gateway_spoke() -> None:
    resume = lines()
    with pytest.raises(ServiceProblem):
        for _ in range(4):
            resume.ended(problem_error(503, {}, 2.0), 0.0)


def test_retry_after_is_obeyed() -> None:
    resuming = lines().ended(problem_error(503, {}, 2.0), 0.0)
    assert resuming is not None
    assert resuming.wait == 2.0


def test_a_pull_that_brought_all_its_lines_goes_on_at_once() -> None:
    resume = lines(pull_lines=2)
    assert resume.ask() == {"offset": "0", "limit": "2"}
    list(resume.feed(LOG[0] + LOG[1]))
    assert resume.ended(None, 0.0) is None
    assert resume.resumed == 0
    assert resume.ask() == {"offset": "2", "limit": "2"}


def test_a_limit_is_less_with_each_line() -> None:
    resume = lines(limit=3)
    assert resume.ask() == {"offset": "0", "limit": "3"}
    list(resume.feed(LOG[0]))
    assert resume.ask() == {"offset": "1", "limit": "2"}
    assert list(resume.feed(b"".join(LOG[1:]))) == LOG[1:3]
    assert resume.over


def test_204_says_that_nothing_will_follow() -> None:
    resume = lines(offset=14)
    resume.answered(Answer(204, {}, b""))
    assert resume.over
    assert resume.terminal is None


def test_another_content_type_comes_from_something_else() -> None:
    with pytest.raises(NotTracestream, match="text/html"):
        lines().answered(Answer(200, {"content-type": "text/html"}, b""))


def test_a_log_that_expired_in_between_says_where_the_stream_stood() -> None:
    resume = lines()
    list(resume.feed(LOG[0]))
    body = b'{"type":"urn:tracestream:problem:job-expired","title":"T","status":410,"detail":"D."}'
    with pytest.raises(JobExpired) as caught:
        resume.answered(Answer(410, {}, body))
    assert caught.value.offset == 1


def test_what_comes_behind_the_last_message_is_left_out() -> None:
    resume = lines()
    assert list(resume.feed(b"".join(LOG) + line(20))) == LOG


@pytest.mark.parametrize("options", [{"offset": -1}, {"limit": 0}, {"pull_lines": 0}])
def test_bounds_that_make_no_sense_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        lines(**options)


BATCH = b'{"offset":%d,"type":"records","domain":"d","batch":1,"data":[{"N":%d},{"N":%d}]}\n'


def test_a_batch_of_records_is_taken_with_its_last_record() -> None:
    resume = Resume(RecordReader(None), RETRY)
    feeding = resume.feed(BATCH % (4, 0, 1) + BATCH % (6, 2, 3))
    assert (next(feeding), resume.offset) == ({"N": 0}, 0)
    assert (next(feeding), resume.offset) == ({"N": 1}, 5)
    assert (next(feeding), resume.offset) == ({"N": 2}, 5)
    assert (next(feeding), resume.offset) == ({"N": 3}, 7)


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (b'{"offset":9,"type":"error","problem":{"type":"urn:x","status":502,"detail":"Why."}}\n', JobFailed),
        (b'{"offset":9,"type":"cancelled","elapsed_seconds":1.0}\n', JobCancelled),
        (b'{"offset":9,"type":"complete","elapsed_seconds":1.0,"total_records":2}\n', type(None)),
    ],
)
def test_records_end_with_what_their_log_ended_with(
    last: bytes, error: type[TracestreamError] | type[None]
) -> None:
    resume = Resume(RecordReader(None), RETRY)
    assert list(resume.feed(BATCH % (4, 0, 1) + last)) == [{"N": 0}, {"N": 1}]
    assert resume.over
    assert type(resume.failure()) is error
