"""Chapter 2: jobs: status, list, cancel, delete, life (design: "HTTP (gateway)", "Shapes")."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.conformance.service import JOBS, Service, problem


def moment(text: str) -> datetime:
    made = datetime.fromisoformat(text)
    assert made.tzinfo is not None
    return made


def test_a_complete_job_says_what_it_did_and_when_it_expires(service: Service) -> None:
    state = service.client.get(service.complete(5, ttl_seconds=1000)).json()
    progress = state["progress"]
    assert progress["chunks"] == progress["total_chunks"] > 0
    assert progress["records"] > 0
    assert progress["bytes"] > progress["records"]
    assert (progress["eta_seconds"], progress["queue_position"]) == (None, None)
    assert progress["domains"]["history"]["records"] == progress["records"]
    assert (state["cid_count"], state["domains"], state["aggregation"]) == (5, ["history"], None)
    assert state["problem"] is None
    assert moment(state["submitted_at"]) <= moment(state["started_at"]) <= moment(state["ended_at"])
    assert moment(state["expires_at"]) - moment(state["ended_at"]) == timedelta(seconds=1000)


@pytest.mark.parametrize("name", ["x", "00000000-0000-0000-0000-00000000000", "%00", "é"])
def test_what_is_no_job_id_is_no_job(service: Service, name: str) -> None:
    problem(service.client.get(f"/api/trace/job/{name}"), 404, "unknown-job")


def test_a_job_that_was_never_there_is_unknown_to_every_route(service: Service) -> None:
    location = service.unknown()
    for answer in (
        service.client.get(location),
        service.client.get(f"{location}/stream"),
        service.client.get(f"{location}/result", params={"domain": "history"}),
        service.client.post(f"{location}/cancel"),
        service.client.patch(location, json={"ttl_seconds": 100}),
        service.client.delete(location),
    ):
        problem(answer, 404, "unknown-job")


def test_the_list_is_newest_first_and_leads_to_its_next_page(service: Service) -> None:
    made = [service.submit() for _ in range(5)]
    ids = [each.rpartition("/")[2] for each in reversed(made)]
    answer = service.client.get(JOBS, params={"limit": 2})
    assert [job["job_id"] for job in answer.json()["jobs"]] == ids[:2]
    following = service.client.get(answer.links["next"]["url"])
    assert [job["job_id"] for job in following.json()["jobs"]] == ids[2:4]
    after = service.client.get(JOBS, params={"limit": 100, "after": ids[3]})
    assert after.json()["jobs"][0]["job_id"] == ids[4]


def test_the_list_may_be_of_one_status(service: Service) -> None:
    location = service.complete()
    complete = service.client.get(JOBS, params={"status": "complete", "limit": 1}).json()["jobs"]
    assert location.endswith(complete[0]["job_id"])
    assert service.client.get(JOBS, params={"status": "expired"}).json() == {"jobs": []}


@pytest.mark.parametrize(
    "parameters",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "ten"}, {"limit": "-1"}, {"status": "done"}, {"after": "x"}],
)
def test_a_list_parameter_that_makes_no_sense_is_refused(
    service: Service, parameters: dict[str, str]
) -> None:
    document = problem(service.client.get(JOBS, params=parameters), 400, "invalid-parameter")
    assert document["parameter"] in parameters


def test_a_cancelled_job_stays_readable(service: Service) -> None:
    location = service.submit(len(service.ids), domains=["history", "materials"], batch_size=1)
    answer = service.client.post(f"{location}/cancel")
    assert answer.status_code in {200, 202}
    state = service.ended(location)
    assert state["status"] in {"cancelled", "complete"}
    assert service.lines(location)[-1]["type"] == state["status"]
    again = service.client.post(f"{location}/cancel")
    assert (again.status_code, again.json()["status"]) == (200, state["status"])


def test_a_complete_job_can_be_cancelled_without_harm(service: Service) -> None:
    location = service.complete()
    answer = service.client.post(f"{location}/cancel", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["status"]) == (200, "complete")


def test_after_a_delete_every_route_but_delete_is_gone(service: Service) -> None:
    location = service.complete()
    answer = service.client.delete(location)
    assert (answer.status_code, answer.content) == (204, b"")
    for gone in (
        service.client.get(location),
        service.client.get(f"{location}/stream"),
        service.client.get(f"{location}/result", params={"domain": "history"}),
        service.client.post(f"{location}/cancel"),
        service.client.patch(location, json={"ttl_seconds": 100}),
    ):
        problem(gone, 410, "job-expired")
    assert service.client.delete(location).status_code == 204
    listed = service.client.get(JOBS, params={"limit": 100}).json()["jobs"]
    assert not [job for job in listed if location.endswith(job["job_id"])]


def test_a_job_may_be_deleted_before_it_has_ended(service: Service) -> None:
    location = service.submit(len(service.ids))
    assert service.client.delete(location).status_code == 204
    problem(service.client.get(location), 410, "job-expired")


def test_a_new_life_is_answered_with_the_new_state(service: Service) -> None:
    location = service.complete()
    answer = service.client.patch(location, json={"ttl_seconds": 4000})
    assert answer.status_code == 200
    state = answer.json()
    assert state["ttl_seconds"] == 4000
    assert moment(state["expires_at"]) - moment(state["ended_at"]) == timedelta(seconds=4000)
    assert service.client.get(location).json() == state


@pytest.mark.parametrize(
    "body", [{}, {"ttl_seconds": 1}, {"ttl_seconds": 10**9}, {"ttl_seconds": "60"}, {"ttl": 60}]
)
def test_a_life_that_makes_no_sense_is_refused(service: Service, body: dict[str, object]) -> None:
    location = service.submit()
    problem(service.client.patch(location, json=body), 400, "invalid-body")


def test_a_life_needs_json(service: Service) -> None:
    answer = service.client.patch(service.submit(), content=b'{"ttl_seconds":100}')
    problem(answer, 415, "unsupported-media-type")
