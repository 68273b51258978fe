"""The offset member in a stored line, and records cut out of one."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.cuts import cut, plan
from gateway.splice import splice
from schemas import messages

values = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=30), max_size=5
)


def stored(records: list[dict[str, object]]) -> tuple[memoryview, list[bytes]]:
    parts = [json.dumps(each).encode() for each in records]
    line = messages.records_prefix("history", 1) + b",".join(parts) + messages.RECORDS_SUFFIX
    return memoryview(line), parts


@given(offset=st.integers(0, 1 << 62), content=values)
def test_a_line_gets_its_offset_and_keeps_everything_else(offset: int, content: dict[str, object]) -> None:
    line = json.dumps({"type": "meta", **{f"m{name}": value for name, value in content.items()}}) + "\n"
    prefix, rest = splice(offset, memoryview(line.encode()))
    spliced = json.loads(prefix + rest)
    assert spliced.pop("offset") == offset
    assert spliced == json.loads(line)
    assert rest.obj is not None
    assert len(prefix) + len(rest) == len(line) + len(f'"offset":{offset},')


@given(
    records=st.lists(values, min_size=1, max_size=30),
    begin=st.integers(0, 30),
    most=st.integers(1, 40),
    room=st.integers(0, 2000),
)
def test_a_cut_is_as_many_records_as_fit_byte_for_byte(
    records: list[dict[str, object]], begin: int, most: int, room: int
) -> None:
    value, parts = stored(records)
    planned = plan(7, value, begin, most, room)
    body = cut(value, planned)
    assert body == b",".join(parts[begin : begin + planned.count])
    assert planned.size == len(body) <= room
    more = parts[begin : begin + planned.count + 1]
    if planned.count < most and len(more) > planned.count:
        assert len(b",".join(more)) > room
