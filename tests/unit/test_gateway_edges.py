"""Small pure parts of the gateway: hosts, Accept, settings of the address, problems, metrics, documents."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest

from broker import errors as broker_errors
from gateway.accept import prefers
from gateway.documents import Documents
from gateway.guard import host_name, is_loopback
from gateway.openapi import openapi
from gateway.operations import OPERATIONS
from gateway.problems import problem_of
from gateway.server import AddressError, listen
from gateway.settings import GatewaySettings
from schemas.problems import BrokerUnavailable, InternalError, JobExpired, UnknownJob
from tests.unit.test_requests import OFFER

JSON, NDJSON = "application/json", "application/x-ndjson"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ([], False),
        (["*/*"], False),
        (["application/json"], True),
        (["application/json", "text/html"], True),
        (["application/json, */*;q=0.5"], True),
        (["application/*"], False),
        (["application/json;q=0.1, application/x-ndjson"], False),
        (["application/json, application/x-ndjson"], False),
        (["application/json;q=0"], False),
        (["application/json;q=x"], False),
        (["APPLICATION/JSON"], True),
    ],
)
def test_json_is_given_to_those_who_like_it_better_than_lines(accept: list[str], wanted: bool) -> None:
    assert prefers(accept, JSON, NDJSON) is wanted


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8080", "localhost"),
        ("LocalHost", "localhost"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("[::1]:8080", "[::1]"),
        ("[::1]", "[::1]"),
        ("example.org.", "example.org"),
        ("", ""),
    ],
)
def test_a_host_header_names_a_host(header: str, name: str) -> None:
    assert host_name(header) == name


def test_loopback_is_told_from_the_rest() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", ""))


def test_listening_beyond_loopback_must_be_allowed() -> None:
    with pytest.raises(AddressError, match="TRACE_ALLOW_PUBLIC"):
        listen(GatewaySettings(host="0.0.0.0", port=0))
    listen(GatewaySettings(host="0.0.0.0", port=0, allow_public=True)).close()


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system has no such bound")
def test_a_connection_is_bounded_in_what_its_socket_takes_ahead() -> None:
    with listen(GatewaySettings(port=0)) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        connection, _ = listener.accept()
        with connection:
            assert 1e6 < connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) < 2e6


def test_an_address_that_is_taken_is_said_so() -> None:
    taken = listen(GatewaySettings(port=0))
    try:
        with pytest.raises(AddressError, match="TRACE_HTTP_PORT"):
            listen(GatewaySettings(port=taken.getsockname()[1]))
    finally:
        taken.close()


def test_a_problem_is_told_as_it_is() -> None:
    problem = UnknownJob("There is none.")
    assert problem_of(problem, "/") is problem


def test_kafka_trouble_is_temporary_and_a_lost_topic_is_not() -> None:
    for error in (broker_errors.Retriable("away"), broker_errors.Fenced("x")):
        told = problem_of(error, "/")
        assert isinstance(told, BrokerUnavailable)
        assert told.retry_after
    assert isinstance(problem_of(broker_errors.TopicGone("x"), "/"), JobExpired)


def test_an_unexpected_error_is_an_opaque_id_in_the_answer_and_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = problem_of(KeyError("secret"), "/some/path")
    assert isinstance(told, InternalError)
    document = json.dumps(told.document())
    assert "secret" not in document
    assert told.extra["id"] in document
    assert told.extra["id"] in caplog.text


def test_the_openapi_document_has_every_operation_and_every_reference_leads_somewhere() -> None:
    document = openapi(OFFER, 200_000, "1.2.3")
    for operation in OPERATIONS:
        described = document["paths"][operation.path][operation.method.lower()]
        assert described["operationId"] == operation.name
        assert described["responses"]
    schemas = document["components"]["schemas"]
    for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(document)):
        assert name in schemas
    assert schemas["SubmitBody"]["properties"]["domains"]["items"]["enum"] == ["history", "materials"]


def test_the_page_of_documents_needs_nothing_from_elsewhere() -> None:
    page = Documents(openapi(OFFER, 200_000, "1.2.3"))._docs
    assert not re.search(r"(?:src|href)=\"?(?:https?:)?//", page)
    assert "<script" not in page
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_ttl": 0},
        {"default_ttl": 30},
        {"max_ttl": 600},
        {"port": 70_000},
        {"max_cids": 0},
        {"keepalive_seconds": -1.0},
    ],
)
def test_settings_that_make_no_sense_are_refused_by_the_name_of_their_variable(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="TRACE_"):
        GatewaySettings(**wrong)


def test_without_an_aggregation_the_smaller_limit_holds() -> None:
    assert GatewaySettings(max_cids=10).max_cids_without_aggregation == 10
    assert GatewaySettings(max_cids=10, max_cids_plain=5).max_cids_without_aggregation == 5
    assert GatewaySettings(max_cids=10, max_cids_plain=50).max_cids_without_aggregation == 10
