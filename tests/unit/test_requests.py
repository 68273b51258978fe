"""Bodies, lists and preferences are checked, and every refusal says what to change (schemas.requests)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.problems import (
    InvalidBody,
    InvalidParameter,
    MissingDomain,
    Problem,
    UnknownAggregation,
    UnknownDomain,
)
from schemas.requests import (
    Offer,
    SubmitBody,
    TtlBody,
    check_key,
    check_submit,
    check_ttl,
    decode_body,
    preferred_wait,
)
from schemas.results import AggregationSpec

OFFER = Offer(
    domains={"history": "Steps", "materials": "Lots"},
    aggregations={"msd": AggregationSpec("msd", "Defects", {"history": ("A",), "materials": ("B",)})},
    batch_size=5000,
    default_ttl=86_400,
    min_ttl=60,
    max_ttl=604_800,
)


def asked(**members: Any) -> SubmitBody:
    body = {"container_ids": ["a"], "domains": ["history"], **members}
    return decode_body(msgspec.json.encode(body), SubmitBody)


def test_a_minimal_submit_gets_the_defaults() -> None:
    wanted = check_submit(asked(), OFFER)
    assert (wanted.domains, wanted.aggregation) == (("history",), None)
    assert (wanted.batch_size, wanted.ttl_seconds) == (5000, 86_400)


def test_domains_keep_the_order_they_are_asked_in() -> None:
    assert check_submit(asked(domains=["materials", "history"]), OFFER).domains == ("materials", "history")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b'{"container_ids":["a"],"domains":["history"]}x', "not JSON"),
        (b"[]", "Expected `object`"),
        (b'{"domains":["history"]}', "container_ids"),
        (b'{"container_ids":["a"]}', "domains"),
        (b'{"container_ids":["a"],"domains":"history"}', "$.domains"),
        (b'{"container_ids":["a"],"domains":["history"],"batchsize":1}', "batchsize"),
        (b'{"container_ids":["a"],"domains":["history"],"batch_size":1.5}', "$.batch_size"),
        (b'{"container_ids":["a"],"domains":["\xff"]}', "UTF-8"),
        (b'{"container_ids":' + b"[" * 100_000, "nested"),
    ],
)
def test_a_body_that_is_no_submit_is_refused_with_its_mistake(body: bytes, said: str) -> None:
    with pytest.raises(InvalidBody) as refusal:
        decode_body(body, SubmitBody)
    assert said in refusal.value.detail


@pytest.mark.parametrize(
    ("members", "problem", "said"),
    [
        ({"domains": []}, InvalidBody, "history, materials"),
        ({"domains": ["history", "history"]}, InvalidBody, "twice"),
        ({"domains": ["histori"]}, UnknownDomain, "history, materials"),
        ({"aggregation": "mds"}, UnknownAggregation, "msd"),
        ({"aggregation": "msd"}, MissingDomain, "materials"),
        ({"batch_size": 0}, InvalidBody, "1 to 5000"),
        ({"batch_size": 5001}, InvalidBody, "1 to 5000"),
        ({"ttl_seconds": 59}, InvalidBody, "60 to 604800"),
        ({"ttl_seconds": 604_801}, InvalidBody, "60 to 604800"),
    ],
)
def test_what_is_not_on_offer_is_refused_with_what_is(
    members: dict[str, Any], problem: type[Problem], said: str
) -> None:
    with pytest.raises(problem) as refusal:
        check_submit(asked(**members), OFFER)
    assert said in refusal.value.detail


def test_an_unknown_domain_names_the_known_ones_for_programs_too() -> None:
    with pytest.raises(UnknownDomain) as refusal:
        check_submit(asked(domains=["nope"]), OFFER)
    assert refusal.value.document()["known"] == ["history", "materials"]


def test_a_life_must_be_a_whole_number_within_the_bounds() -> None:
    assert check_ttl(decode_body(b'{"ttl_seconds":60}', TtlBody).ttl_seconds, OFFER) == 60
    for body in (b'{"ttl_seconds":"60"}', b'{"ttl_seconds":null}', b"{}", b'{"ttl_seconds":60,"x":1}'):
        with pytest.raises(InvalidBody):
            decode_body(body, TtlBody)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["wait=10"], 10),
        (["wait=0"], 0),
        (["wait=600"], 60),
        (['wait="7"'], 7),
        (["WAIT = 3"], 3),
        (["respond-async, wait=5; x=1"], 5),
        (["respond-async", "wait=5"], 5),
        (["wait=1, wait=2"], 1),
        (["wait"], None),
        (["wait=soon"], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=٣"], None),
        (["await=5"], None),
    ],
)
def test_a_preferred_wait_is_followed_and_nonsense_is_ignored(
    headers: list[str], seconds: int | None
) -> None:
    assert preferred_wait(headers) == seconds


@pytest.mark.parametrize("key", ["", " ", "a\n", "é", "x" * 256])
def test_a_key_that_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidParameter):
        check_key(key)


@pytest.mark.parametrize(
    "key", [None, "a", "8e03978e-40d5-43e8-bc93-6894a57f9324", "x" * 255, '"quoted one"']
)
def test_a_key_is_taken_as_it_is(key: str | None) -> None:
    assert check_key(key) == key
