"""``msd`` against a plain computation over all records, however they are cut and merged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.aggregations.msd import MAX_LIST_BYTES, MidSectionDefects
from processors.aggregations.protocol import MAX_RESULT_BYTES, AggregationError
from schemas.ids import ContainerIds
from schemas.messages import RECORDS_SUFFIX, records_prefix
from tests.plainmsd import Record, as_fractions, plain_msd
from tracestream.verify import exact_json

CONTAINERS = ["C1", "C2", "容器", 'C "4"', "C5\x00", "C5", "C6"]

quantities = st.one_of(
    st.none(),
    st.integers(0, 5000).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-10, max_value=10**9),
    st.integers(-(10**37), 10**37).map(Decimal),
    st.sampled_from(
        [Decimal("1.5E-300"), Decimal("9223372036854775807"), Decimal("12345678901234567890.123456789")]
    ),
)
history_records = st.fixed_dictionaries(
    {
        "HISTORYID": st.integers(),
        "CONTAINERID": st.sampled_from(CONTAINERS),
        "WORKCENTERNAME": st.sampled_from([None, "打線接合", "Final Test"]),
        "EQUIPMENTNAME": st.text(max_size=1),
        "LOSSREASONNAME": st.sampled_from([None, "", "溢膠", "Crack"]),
        "MFGDATE": st.sampled_from([None, "2026-01-01T00:00:00", "2026-01-02T00:00:00"]),
        "TRACKINQTY": quantities,
        "TRACKOUTQTY": quantities,
        "DEFECTQTY": quantities,
        "REMARK": st.text(),
    }
)
material_records = st.fixed_dictionaries(
    {"CONTAINERID": st.sampled_from(CONTAINERS), "MATERIALLOTNAME": st.sampled_from([None, "L1", "L2", "L3"])}
)


def line(domain: str, records: Sequence[Record]) -> bytes:
    """A ``records`` line; Decimals as numbers with all their digits."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    return records_prefix(domain, 1) + b",".join(map(encoder.encode, records)) + RECORDS_SUFFIX


def fold(*parts: tuple[str, Sequence[Record]], ids: Sequence[str] = CONTAINERS) -> MidSectionDefects:
    state = MidSectionDefects(ContainerIds.from_iterable(ids))
    for domain, records in parts:
        if records:
            state.fold(domain, line(domain, records))
    return state


def pass_of(container: str = "C1", **changes: Any) -> Record:
    record = {
        "CONTAINERID": container,
        "WORKCENTERNAME": "W",
        "EQUIPMENTNAME": "E",
        "LOSSREASONNAME": None,
        "MFGDATE": "2026-01-01T00:00:00",
        "TRACKINQTY": Decimal(10),
        "TRACKOUTQTY": Decimal(10),
        "DEFECTQTY": Decimal(0),
    }
    return {**record, **changes}


@given(st.lists(history_records, max_size=30), st.lists(material_records, max_size=20))
def test_it_finds_what_a_plain_computation_finds(history: list[Record], materials: list[Record]) -> None:
    found = fold(("history", history), ("materials", materials)).result()
    assert as_fractions(exact_json(found)) == plain_msd(history, materials)


@given(
    st.lists(history_records, max_size=20),
    st.lists(material_records, max_size=20),
    st.lists(st.integers(0, 20), max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_result_is_the_same_bytes_however_the_log_is_cut_ordered_and_merged(
    history: list[Record], materials: list[Record], cuts: list[int], random: Any
) -> None:
    whole = fold(("history", history), ("materials", materials)).result()
    parts: list[tuple[str, list[Record]]] = []
    for domain, records in (("history", history), ("materials", materials)):
        borders = [0, *sorted(cuts), len(records)]
        parts += [(domain, records[a:b]) for a, b in pairwise(borders)]
    random.shuffle(parts)
    assert fold(*parts).result() == whole
    middle = random.randint(0, len(parts))
    merged = fold(*parts[:middle])
    merged.merge(fold(*parts[middle:]))
    assert merged.result() == whole


def test_either_domain_may_come_first() -> None:
    history = [pass_of("C1", DEFECTQTY=Decimal(2)), pass_of("C2")]
    materials = [{"CONTAINERID": "C1", "MATERIALLOTNAME": "L"}]
    first = fold(("history", history), ("materials", materials)).result()
    assert fold(("materials", materials), ("history", history)).result() == first
    (lot,) = exact_json(first)["by"]["material_lot"]["top"]
    assert (lot["name"], lot["containers"], lot["defect_qty"]) == ("L", 1, 2)


def test_a_container_that_took_a_lot_twice_counts_once() -> None:
    taken = [{"CONTAINERID": "C1", "MATERIALLOTNAME": "L"}] * 2
    found = exact_json(fold(("history", [pass_of(), pass_of()]), ("materials", taken)).result())
    assert found["by"]["material_lot"]["top"][0]["input_qty"] == 20


def test_quantities_beyond_64_bits_keep_all_their_digits() -> None:
    big = Decimal("92233720368547758079999.000000001")
    text = fold(("history", [pass_of(TRACKINQTY=big), pass_of(TRACKINQTY=big)])).result()
    assert b'"input_qty":184467440737095516159998.000000002,' in text


def test_sums_that_outgrow_64_bits_stay_exact() -> None:
    largest = Decimal(2**63 - 1)
    parts = [("history", [pass_of(TRACKINQTY=largest)])] * 5
    assert exact_json(fold(*parts).result())["totals"]["input_qty"] == 5 * (2**63 - 1)


def test_without_records_all_figures_are_0_and_there_are_no_rates() -> None:
    totals = exact_json(fold().result())["totals"]
    assert totals == {
        "passes": 0,
        "containers": 0,
        "input_qty": 0,
        "output_qty": 0,
        "defect_qty": 0,
        "defect_rate": None,
        "defect_share": None,
    }


def test_the_list_of_a_dimension_names_those_of_most_defects_and_says_how_many_there_are() -> None:
    history = [pass_of(EQUIPMENTNAME=f"E{n:03}", DEFECTQTY=Decimal(n)) for n in range(120)]
    found = exact_json(fold(("history", history)).result())["by"]["equipment"]
    assert found["groups"] == 120
    assert [entry["name"] for entry in found["top"]] == [f"E{n:03}" for n in range(119, 69, -1)]


def test_days_are_listed_in_their_order_and_the_latest_are_kept() -> None:
    days = [f"{2024 + n // 365:04}-{n % 365 // 28 % 12 + 1:02}-{n % 28 + 1:02}" for n in range(700)]
    history = [pass_of(MFGDATE=f"{day}T00:00:00") for day in days] + [pass_of(MFGDATE=None)]
    found = exact_json(fold(("history", history)).result())["by"]["day"]
    names = [entry["name"] for entry in found["top"]]
    assert names == [*sorted(set(days))[-399:], None]
    assert found["groups"] == len(set(days)) + 1


def test_a_result_is_bounded_even_where_names_are_long() -> None:
    history = [
        pass_of(
            WORKCENTERNAME=f"W{n}" + "\x01" * 4000,
            EQUIPMENTNAME=f"E{n}" + "\x01" * 4000,
            LOSSREASONNAME=f"L{n}" + "\x01" * 4000,
        )
        for n in range(60)
    ]
    lots = [{"CONTAINERID": "C1", "MATERIALLOTNAME": f"L{n}" + "\x01" * 4000} for n in range(60)]
    text = fold(("history", history), ("materials", lots)).result()
    assert len(text) < MAX_RESULT_BYTES
    equipment = exact_json(text)["by"]["equipment"]
    assert equipment["groups"] == 60
    assert 1 <= len(equipment["top"]) <= MAX_LIST_BYTES // 24_000


def test_a_container_that_the_job_did_not_ask_for_is_an_error() -> None:
    with pytest.raises(AggregationError, match="names the container 'C9'"):
        fold(("history", [pass_of("C9")]))


@pytest.mark.parametrize(
    ("changes", "named"), [({"TRACKINQTY": "ten"}, "TRACKINQTY"), ({"WORKCENTERNAME": 7}, "WORKCENTERNAME")]
)
def test_a_value_of_another_form_is_an_error_that_names_the_column(changes: Record, named: str) -> None:
    with pytest.raises(AggregationError, match=named):
        fold(("history", [pass_of(**changes)]))


def test_a_missing_column_is_an_error_that_names_it() -> None:
    record = pass_of()
    del record["DEFECTQTY"]
    with pytest.raises(AggregationError, match="DEFECTQTY"):
        fold(("history", [record]))
