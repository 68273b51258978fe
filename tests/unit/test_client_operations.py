"""Requests and what their answers mean, without a socket."""

from __future__ import annotations

import inspect
import json
import pickle

import pytest

from tracestream_client import (
    AsyncClient,
    AsyncStream,
    Client,
    ConnectionLost,
    JobExpired,
    JobFailed,
    NotTracestream,
    RequestProblem,
    ServiceProblem,
    Stream,
    UnknownJob,
    operations,
)
from tracestream_client.errors import problem_error
from tracestream_client.operations import Answer

SUBMIT = {"aggregation": None, "batch_size": None, "ttl_seconds": None, "key": None}


def answer(status: int, document: object = None, **headers: str) -> Answer:
    return Answer(
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps(document).encode(),
    )


def test_a_submit_has_a_key_of_its_own_where_none_is_given() -> None:
    first, second = (operations.submit(["a"], ["d"], **SUBMIT) for _ in range(2))  # type: ignore[arg-type]
    assert len(first.headers["Idempotency-Key"]) > 20
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert json.loads(first.body or b"") == {"container_ids": ["a"], "domains": ["d"]}


def test_a_submit_says_what_was_given_and_nothing_else() -> None:
    options = SUBMIT | {"aggregation": "msd", "ttl_seconds": 60, "key": "k", "wait": 10}
    made = operations.submit((each for each in ("é", "\ud800")), {"d": 1}, **options)  # type: ignore[arg-type]
    body = {"container_ids": ["é", "\ud800"], "domains": ["d"], "aggregation": "msd", "ttl_seconds": 60}
    assert json.loads(made.body or b"") == body
    assert (made.headers["Idempotency-Key"], made.headers["Prefer"]) == ("k", "wait=10")


@pytest.mark.parametrize(("ids", "domains"), [("abc", ["d"]), (["a"], "history")])
def test_one_string_for_several_is_a_slip_and_refused(ids: object, domains: object) -> None:
    with pytest.raises(TypeError, match="is one string"):
        operations.submit(ids, domains, **SUBMIT)  # type: ignore[arg-type]


@pytest.mark.parametrize("job", ["a/../b?c", {"job_id": "a/../b?c"}])
def test_a_job_is_its_id_or_what_has_it_and_leads_to_no_other_path(job: operations.Job) -> None:
    assert operations.path(job) == "/api/trace/job/a%2F..%2Fb%3Fc"


def test_an_empty_id_is_refused_because_its_path_is_another_ones() -> None:
    with pytest.raises(ValueError, match="empty"):
        operations.path("")


@pytest.mark.parametrize(
    ("status", "slug", "kind"),
    [
        (400, "invalid-container-id", RequestProblem),
        (404, "unknown-job", UnknownJob),
        (404, "not-found", RequestProblem),
        (410, "job-expired", JobExpired),
        (429, "too-many-streams", ServiceProblem),
        (503, "not-ready", ServiceProblem),
        (500, "internal-error", ServiceProblem),
    ],
)
def test_a_problem_document_becomes_its_error(status: int, slug: str, kind: type[Exception]) -> None:
    document = {
        "type": f"urn:tracestream:problem:{slug}",
        "title": "T",
        "status": status,
        "detail": "D.",
        "index": 7,
    }
    with pytest.raises(kind, match=r"^T: D\.$") as caught:
        operations.status("j").result(answer(status, document, retry_after="3"))
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, RequestProblem | ServiceProblem)
    assert (error.type, error.status, error.title, error.detail) == (document["type"], status, "T", "D.")
    assert error.members["index"] == 7
    assert error.retry_after == 3.0


def test_an_error_without_a_problem_document_is_told_with_its_status() -> None:
    with pytest.raises(ServiceProblem, match=r"^The gateway answered 502\.$") as caught:
        operations.status("j").result(Answer(502, {}, b"<html>"))
    assert (caught.value.type, caught.value.retry_after) == ("about:blank", None)


def test_a_job_that_failed_while_it_was_waited_for_is_no_trouble_of_the_gateway() -> None:
    document = {"type": "urn:tracestream:problem:source", "title": "T", "status": 502, "detail": "D."}
    made = operations.submit(["a"], ["d"], **SUBMIT | {"wait": 5})  # type: ignore[arg-type]
    with pytest.raises(JobFailed) as caught:
        made.result(answer(502, document, preference_applied="wait=5"))
    assert caught.value.status == 502


def test_an_address_that_leads_elsewhere_is_said() -> None:
    with pytest.raises(NotTracestream, match="https://elsewhere"):
        operations.status("j").result(Answer(307, {"location": "https://elsewhere/"}, b""))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b"\xff"])
def test_another_answer_than_an_object_comes_from_something_else(body: bytes) -> None:
    with pytest.raises(NotTracestream):
        operations.status("j").result(Answer(200, {}, body))


@pytest.mark.parametrize("value", ["", "soon", "-1", "Wed, 25 Nov 2026 00:00:00 GMT", "²"])
def test_a_retry_after_that_is_no_number_of_seconds_is_none(value: str) -> None:
    assert operations.retry_after(answer(503, retry_after=value)) is None


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ('</api/trace/job/x/result?domain=a&offset=17&limit=5>; rel="next"', 17),
        ('</other>; rel="prev", </x?offset=3&limit=5>; rel="next"', 3),
        ('</x?offset=3>; rel="prev"', None),
        ("", None),
    ],
)
def test_a_page_says_where_the_next_begins(link: str, wanted: int | None) -> None:
    page = {"domain": "a", "offset": 12, "limit": 5, "total": 30, "status": "complete", "data": []}
    found = operations.page("x", "a", 12, 5, None).result(answer(200, page, link=link))
    assert found == {**page, "next": wanted, "retry_after": None}


def test_a_list_says_what_the_next_page_is_behind() -> None:
    listed = operations.listed(2, None, "complete")
    assert listed.params == {"limit": "2", "status": "complete"}
    link = '</api/trace/jobs?limit=2&status=complete&after=0a-1>; rel="next"'
    assert listed.result(answer(200, {"jobs": []}, link=link)) == {"jobs": [], "next": "0a-1"}
    assert listed.result(answer(200, {"jobs": []}))["next"] is None


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://x", "http://", "http://[", "http://x:99999", "file:///etc"]
)
@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_an_address_that_is_none_is_refused_at_once(client: type[Client], url: str) -> None:
    with pytest.raises(NotTracestream, match="is not the URL of a gateway"):
        client(url)


def test_the_sync_and_the_async_client_have_the_same_words() -> None:
    for one, other in ((Client, AsyncClient), (Stream, AsyncStream)):
        own = {
            name: value for name, value in vars(one).items() if not name.startswith("_") and name != "close"
        }
        assert own.keys() == {name for name in vars(other) if not name.startswith("_") and name != "aclose"}
        for name, value in own.items():
            if not callable(value):
                continue
            assert value.__doc__ == vars(other)[name].__doc__, name
            signatures = [
                inspect.signature(cls.__dict__[name]).replace(return_annotation=None) for cls in (one, other)
            ]
            assert signatures[0] == signatures[1], name


def test_the_constructors_differ_in_httpx_alone() -> None:
    signatures = [dict(inspect.signature(cls).parameters) for cls in (Client, AsyncClient)]
    assert [found.pop("http").annotation for found in signatures] == [
        "httpx.Client | None",
        "httpx.AsyncClient | None",
    ]
    assert signatures[0] == signatures[1]


@pytest.mark.parametrize(
    "error",
    [
        problem_error(410, {"type": "urn:tracestream:problem:job-expired", "detail": "D."}),
        ConnectionLost("x", 5),
    ],
)
def test_errors_survive_a_process_pool(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
