"""Fixed-point integers against Decimals and Fractions of any size."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors import exact

numbers = st.decimals(allow_nan=False, allow_infinity=False)
short = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=6)


@given(st.lists(st.one_of(st.none(), short)))
def test_a_sum_in_units_is_the_sum_of_the_numbers(values: list[Decimal | None]) -> None:
    decimals = exact.decimals_of(values)
    units = exact.total(exact.integers(values, decimals))
    assert Fraction(units, 10**decimals) == sum(Fraction(v) for v in values if v is not None)


@given(numbers.filter(lambda n: abs(n.adjusted()) < 400))
def test_a_number_is_written_as_it_was_read(value: Decimal) -> None:
    decimals = exact.decimals_of([value])
    (units,) = exact.integers([value], decimals)
    text = exact.number(int(units), decimals).decode()
    assert Fraction(json.loads(text, parse_float=Decimal)) == Fraction(value)
    assert not ("." in text and text.endswith("0"))


def test_decimals_are_the_fewest_that_are_needed() -> None:
    assert exact.decimals_of([Decimal("1.500"), None, Decimal("2.0"), Decimal("1E+3")]) == 1


@given(st.integers(), st.integers(), st.integers(0, 8))
def test_a_ratio_is_rounded_half_to_even(part: int, whole: int, decimals: int) -> None:
    found = exact.ratio(part, whole, decimals)
    if not whole:
        assert found == b"null"
    else:
        assert Fraction(found.decode()) == round(Fraction(part, whole), decimals)


def test_sums_leave_64_bits_before_they_overflow() -> None:
    values = np.array([2**62, 2**62, 2**62], np.int64)
    assert exact.total(values) == 3 * 2**62
    assert exact.totals_by_run(values, np.array([0, 2])).tolist() == [2**63, 2**62]


def test_values_become_wider_with_the_room_they_need() -> None:
    small = np.array([1, -5], np.int32)
    assert [exact.with_room(small, 2**n).dtype for n in (10, 31, 63)] == [np.int32, np.int64, object]


def test_values_without_room_become_pythons_integers() -> None:
    values = np.array([1, -(2**63)], np.int64)
    assert exact.with_room(values[:1], 5).dtype == np.int64
    assert exact.with_room(values, 1).tolist() == [1, -(2**63)]
    assert exact.with_room(values, 1).dtype == object
