"""The values of trace.results: what is written is what is read."""

from __future__ import annotations

import msgspec
import pytest

from schemas.results import Result, decode_result, encode_result


def test_the_data_of_a_result_are_read_as_they_were_written() -> None:
    text = b'{"rate":0.10,"big":12345678901234567890}'
    read = decode_result(encode_result(Result("a-job", "msd", 7, data=msgspec.Raw(text))))
    assert read.data is not None
    assert bytes(read.data) == text
    assert (read.job_id, read.name, read.end_offset, read.problem) == ("a-job", "msd", 7, None)


def test_a_problem_comes_without_data() -> None:
    read = decode_result(encode_result(Result("a-job", "msd", 7, problem={"title": "No."})))
    assert (read.data, read.problem) == (None, {"title": "No."})


def test_what_is_no_result_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_result(b'{"job_id":1}')
