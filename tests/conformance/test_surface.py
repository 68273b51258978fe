"""Chapter 4: what holds for every address: methods, hosts, headers, health, documents (design: "Refusals", "Browsers")."""

from __future__ import annotations

import re
import socket

import pytest

from tests.conformance.service import JOBS, Service, problem


def test_an_unknown_address_is_not_found(service: Service) -> None:
    for path in ("/nope", "/api", "/api/trace/jobs/", "/api/trace/job/", "/docs/x"):
        problem(service.client.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", JOBS, "GET, HEAD, POST"),
        ("DELETE", JOBS, "GET, HEAD, POST"),
        ("POST", "/api/trace/job/x", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/api/trace/job/x/cancel", "POST"),
        ("POST", "/api/trace/job/x/stream", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("OPTIONS", JOBS, "GET, HEAD, POST"),
        ("BREW", JOBS, "GET, HEAD, POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    service: Service, method: str, path: str, allowed: str
) -> None:
    answer = service.client.request(method, path)
    if method == "BREW" and answer.status_code == 400:
        problem(answer, 400, "invalid-body")
        return
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""])
def test_an_unknown_host_is_refused_at_every_address(service: Service, host: str) -> None:
    for path in ("/", JOBS, "/healthz", "/nope"):
        problem(service.client.get(path, headers={"Host": host}), 421, "unknown-host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1:80", "[::1]:8080"])
def test_loopback_hosts_are_known_by_any_of_their_names(service: Service, host: str) -> None:
    assert service.client.get("/healthz", headers={"Host": host}).status_code == 200


def test_what_is_no_http_is_answered_with_a_problem(service: Service) -> None:
    address = (service.client.base_url.host, service.client.base_url.port or 80)
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"this is no request\r\n\r\n")
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


def test_answers_of_the_api_are_not_stored_and_not_taken_for_something_else(service: Service) -> None:
    for answer in (service.client.get(JOBS), service.client.get("/nope"), service.client.get("/metrics")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_without_listed_origins_no_other_page_is_let_in(service: Service) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    assert "access-control-allow-origin" not in service.client.get(JOBS, headers=origin).headers
    preflight = service.client.options(JOBS, headers={**origin, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 405
    assert "access-control-allow-origin" not in preflight.headers


def test_head_is_get_without_a_body(service: Service) -> None:
    for path in (JOBS, "/healthz", "/docs", "/openapi.json", service.complete()):
        head, get = service.client.head(path), service.client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == get.headers["content-type"]


def test_the_catalogue_says_what_can_be_asked_for(service: Service) -> None:
    offering = service.client.get("/api/trace/domains").json()
    assert {"history", "materials"} <= {each["name"] for each in offering["domains"]}
    assert all(each["description"] for each in offering["domains"])
    assert offering["limits"]["container_ids"] > 0


def test_the_example_has_as_many_ids_as_the_catalogue_says_or_is_not_found(service: Service) -> None:
    count = service.client.get("/api/trace/domains").json()["example_ids"]
    answer = service.client.get("/api/trace/example-ids")
    if count is None:
        problem(answer, 404, "not-found")
        return
    assert answer.headers["content-type"].startswith("text/plain")
    assert len([line for line in answer.text.split("\n") if line]) == count


def test_the_addresses_of_the_page_are_answered_with_the_page_or_not_found(service: Service) -> None:
    root = service.client.get("/")
    for path in ("/jobs", "/jobs/x"):
        answer = service.client.get(path)
        if answer.status_code == 404:
            problem(answer, 404, "not-found")
            assert "not built" in root.text
        else:
            assert answer.text == root.text
    problem(service.client.get("/assets/nothing.js"), 404, "not-found")


def test_health_is_told(service: Service) -> None:
    assert service.client.get("/healthz").json() == {"status": "ok"}
    assert service.client.get("/readyz").json() == {"status": "ready"}


def test_metrics_are_in_the_text_format_of_prometheus(service: Service) -> None:
    service.client.get(JOBS)
    answer = service.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    sample = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.]+(e[-+]?[0-9]+)?')
    for line in answer.text.splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or sample.fullmatch(line), line
    assert 'route="/api/trace/jobs",method="GET",status="200"' in answer.text
    assert "tracestream_kafka_up 1" in answer.text


def test_the_api_describes_itself(service: Service) -> None:
    answer = service.client.get("/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert "/api/trace/job/{job_id}/stream" in document["paths"]
    again = service.client.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_for_people_load_nothing_from_elsewhere(service: Service, path: str) -> None:
    answer = service.client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//", answer.text)
