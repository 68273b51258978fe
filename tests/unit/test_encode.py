"""The encoder against a slow, obviously right reference: Python's decimal, datetime and json."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.encode import EncodedRows, EncodeError, drop_null_containers, encode_records, number_text
from producers.sources.protocol import SourceError

Matches = Callable[[Any, Any], bool]
"""Whether what the record holds (numbers as ``Number``) is what the value should have become."""


class Number(str):
    """The text of a JSON number."""


def parsed(record: bytes) -> list[tuple[str, Any]]:
    """Names and values in order, numbers kept as their text."""
    pairs: list[tuple[str, Any]] = json.loads(
        record, object_pairs_hook=list, parse_int=Number, parse_float=Number, parse_constant=pytest.fail
    )
    return pairs


def column(kind: pa.DataType, values: st.SearchStrategy[Any], matches: Matches) -> st.SearchStrategy[Any]:
    """Rows of a column as (field, values, matcher); ``values`` are what pyarrow builds the array from."""
    rows = st.lists(st.none() | values, min_size=3, max_size=3)
    return st.tuples(st.just(pa.field("x", kind)), rows, st.just(matches))


def exactly(text: Callable[[Any], Any]) -> Matches:
    return lambda found, value: type(found) is type(text(value)) and found == text(value)


def integer(kind: pa.DataType, low: int, high: int) -> st.SearchStrategy[Any]:
    return column(kind, st.integers(low, high), exactly(Number))


@st.composite
def decimal(draw: st.DrawFn) -> Any:
    most = draw(st.sampled_from([9, 18, 38, 76]))
    precision = draw(st.integers(1, most))
    scale = draw(st.integers(0, precision))
    kind = pa.decimal256(precision, scale) if most == 76 else pa.decimal128(precision, scale)
    limit = 10**precision - 1
    digits = st.integers(-limit, limit).map(lambda value: Decimal(f"{value}E-{scale}"))
    return draw(column(kind, digits, exactly(lambda value: Number(format(value, "f")))))


def same_double(found: Any, value: float) -> bool:
    if not math.isfinite(value):
        return found is None
    return isinstance(found, Number) and float(found) == value


def same_float(found: Any, value: float) -> bool:
    if not math.isfinite(value):
        return found is None
    return isinstance(found, Number) and np.float32(found) == np.float32(value)


UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
EPOCH = datetime(1970, 1, 1)


def fraction(ticks: int, digits: int) -> str:
    """As many thousands as the value needs: 0, 3, 6 or 9 digits."""
    text = f"{ticks:0{digits}}".ljust(9, "0")[:9] if digits else "0" * 9
    for kept in (0, 3, 6, 9):
        if set(text[kept:]) <= {"0"}:
            return f".{text[:kept]}" if kept else ""
    raise AssertionError(text)


def timestamp_text(unit: str, zone: str) -> Callable[[int], str]:
    def text(ticks: int) -> str:
        seconds, rest = divmod(ticks, 10 ** UNITS[unit])
        moment = EPOCH + timedelta(seconds=seconds)
        return f"{moment.isoformat()}{fraction(rest, UNITS[unit])}{zone}"

    return text


@st.composite
def timestamp(draw: st.DrawFn) -> Any:
    unit = draw(st.sampled_from(sorted(UNITS)))
    zone = draw(st.sampled_from([None, "UTC", "Asia/Taipei", "+05:30"]))
    first, last = (
        int((moment - EPOCH).total_seconds())
        for moment in (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59))
    )
    ticks_a_second = 10 ** UNITS[unit]
    low, high = max(first * ticks_a_second, -(2**63)), min((last + 1) * ticks_a_second - 1, 2**63 - 1)
    ticks = st.integers(low, high) | st.integers(first, last).map(
        lambda s: min(max(s * ticks_a_second, low), high)
    )
    text = timestamp_text(unit, "Z" if zone else "")
    return draw(column(pa.timestamp(unit, zone), ticks, exactly(text)))


@st.composite
def time(draw: st.DrawFn) -> Any:
    unit = draw(st.sampled_from(sorted(UNITS)))
    kind = pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    ticks = st.integers(0, 86_400 * 10 ** UNITS[unit] - 1)

    def text(value: int) -> str:
        seconds, rest = divmod(value, 10 ** UNITS[unit])
        return f"{EPOCH + timedelta(seconds=seconds):%H:%M:%S}{fraction(rest, UNITS[unit])}"

    return draw(column(kind, ticks, exactly(text)))


def number() -> st.SearchStrategy[Any]:
    values = st.decimals(allow_nan=False, allow_infinity=False, places=None).map(
        lambda value: format(value, "f")
    )
    rows = st.lists(st.none() | values, min_size=3, max_size=3)
    return st.tuples(st.just(number_text("x")), rows, st.just(exactly(Number)))


COLUMNS = st.one_of(
    *(
        integer(getattr(pa, f"int{bits}")(), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        for bits in (8, 16, 32, 64)
    ),
    *(integer(getattr(pa, f"uint{bits}")(), 0, 2**bits - 1) for bits in (8, 16, 32, 64)),
    decimal(),
    column(pa.float64(), st.floats(), same_double),
    column(pa.float32(), st.floats(width=32), same_float),
    column(pa.bool_(), st.booleans(), exactly(lambda value: value)),
    column(pa.string(), st.text(), exactly(lambda value: value)),
    column(pa.large_string(), st.text(), exactly(lambda value: value)),
    column(pa.dictionary(pa.int8(), pa.string()), st.text(), exactly(lambda value: value)),
    column(pa.binary(), st.binary(), exactly(bytes.hex)),
    column(pa.large_binary(), st.binary(), exactly(bytes.hex)),
    column(pa.binary(4), st.binary(min_size=4, max_size=4), exactly(bytes.hex)),
    column(pa.date32(), st.dates(), exactly(lambda value: value.isoformat())),
    column(pa.null(), st.nothing(), exactly(lambda value: None)),
    timestamp(),
    time(),
    number(),
)


def array(field: pa.Field, values: list[Any]) -> pa.Array:
    if pa.types.is_timestamp(field.type) or pa.types.is_time(field.type):
        whole = pa.int32() if pa.types.is_time32(field.type) else pa.int64()
        return pa.array(values, whole).view(field.type)
    return pa.array(values, field.type)


def records(rows: EncodedRows) -> list[bytes]:
    return [rows.record(index) for index in range(len(rows))]


@given(st.lists(COLUMNS, min_size=1, max_size=6), st.integers(0, 2))
@settings(max_examples=400, deadline=None)
def test_every_record_has_every_column_in_order_with_its_exact_value(
    columns: list[Any], skipped: int
) -> None:
    fields = [field.with_name(f'{index}"ñ') for index, (field, _, _) in enumerate(columns)]
    arrays = [array(field, values) for field, values, _ in columns]
    batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)).slice(skipped)
    rows = encode_records(batch)
    assert len(rows) == 3 - skipped
    for row, record in enumerate(records(rows), start=skipped):
        pairs = parsed(record)
        assert [name for name, _ in pairs] == [field.name for field in fields]
        for (_, found), (field, values, matches) in zip(pairs, columns, strict=True):
            value = values[row]
            assert found is None if value is None else matches(found, value), (field, value, found)


@given(st.lists(st.text(alphabet=st.sampled_from('\n\r,{}"\\\u2028\x00\x7f漢𝄞'), max_size=8), max_size=1200))
@settings(max_examples=50, deadline=None)
def test_the_ends_split_the_text_into_records_whatever_they_hold(texts: list[str]) -> None:
    rows = encode_records(pa.RecordBatch.from_pydict({"t": pa.array(texts, pa.string())}))
    assert [json.loads(record) for record in records(rows)] == [{"t": text} for text in texts]
    assert bytes(rows.data) == b"".join(record + b"," for record in records(rows))
    assert rows.size == len(rows.data)


def test_an_empty_batch_has_no_records() -> None:
    rows = encode_records(pa.RecordBatch.from_pydict({"a": pa.array([], pa.int64())}))
    assert len(rows) == 0
    assert rows.size == 0


def test_a_text_of_megabytes_survives() -> None:
    text = '漢"\n' * 2_000_000
    rows = encode_records(pa.RecordBatch.from_pydict({"a": [text, "b"]}))
    assert json.loads(rows.record(0)) == {"a": text}
    assert json.loads(rows.record(1)) == {"a": "b"}


def test_a_text_that_looks_like_a_marked_number_stays_a_text() -> None:
    fields = [number_text("n"), pa.field("t", pa.string())]
    batch = pa.RecordBatch.from_arrays(
        [pa.array(["1.50"]), pa.array(["\x010123456789abcdef7"])], schema=pa.schema(fields)
    )
    assert encode_records(batch).record(0) == b'{"n":1.50,"t":"\\u00010123456789abcdef7"}'


def wide_decimal() -> pa.Array:
    raw = (10**38).to_bytes(16, "little")
    return pa.Array.from_buffers(pa.decimal128(38, 0), 1, [None, pa.py_buffer(raw)])


REFUSED = {
    "a decimal wider than its precision": wide_decimal(),
    "a decimal of negative scale": pa.array([Decimal(1200)], pa.decimal128(5, -2)),
    "a year beyond 9999": pa.array([2_932_897], pa.int32()).view(pa.date32()),
    "a year before 1": pa.array([-719_163], pa.int32()).view(pa.date32()),
    "a timestamp beyond 9999": pa.array([253_402_300_800], pa.int64()).view(pa.timestamp("s")),
    "a timestamp of the greatest number": pa.array([2**63 - 1], pa.int64()).view(pa.timestamp("us")),
    "a time of 24 hours": pa.array([86_400_000_000], pa.int64()).view(pa.time64("us")),
    "a list": pa.array([[1]]),
    "a struct": pa.array([{"a": 1}]),
    "a map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "an interval": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
    "a duration": pa.array([1], pa.duration("s")),
    "a half float": pa.array([np.float16(1)], pa.float16()),
    "text that is not UTF-8": pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 1], np.int32)), pa.py_buffer(b"\xff")]
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_written_exactly_is_refused_by_column_and_type(reason: str) -> None:
    values = REFUSED[reason]
    with pytest.raises(EncodeError, match="column_at_fault") as caught:
        encode_records(pa.RecordBatch.from_arrays([pa.array([1]), values], names=["fine", "column_at_fault"]))
    assert str(values.type) in str(caught.value)
    assert isinstance(caught.value, SourceError)
    assert not caught.value.retryable


@pytest.mark.parametrize("text", ["", "1.", ".5", "01", "0x1", "NaN", "1 ", "--1", "1e", "1\n"])
def test_a_number_text_that_is_no_json_number_is_refused(text: str) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(["1", text])], schema=pa.schema([number_text("n")]))
    with pytest.raises(EncodeError, match="no JSON number"):
        encode_records(batch)


def test_rows_without_a_container_id_are_left_out_and_counted() -> None:
    batch = pa.RecordBatch.from_pydict({"ID": ["a", None, "b", None], "n": [1, 2, 3, 4]})
    kept, dropped = drop_null_containers(batch, "ID")
    assert kept.to_pydict() == {"ID": ["a", "b"], "n": [1, 3]}
    assert dropped == 2
    assert drop_null_containers(kept, "ID") == (kept, 0)
