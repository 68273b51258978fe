"""The routes about one job or all of them, but for its log: list, status, cancel, delete, life (design: "HTTP (gateway)").

Gateways never write ``trace.jobs``: what a user wants done becomes a command, and the worker does it.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.bodies import json_response, read_json
from gateway.commandlog import encode_command
from gateway.reading import limit_of
from gateway.services import Services, job_url, now_ms
from schemas.answers import JobList
from schemas.commands import CANCEL, DELETE, SET_TTL, SetTtl, command_headers
from schemas.jobs import JobState, Status
from schemas.problems import InvalidParameter, JobExpired
from schemas.requests import DEFAULT_LIST_LIMIT, LIST_LIMIT, TtlBody, check_ttl, decode_body

_TTL_PATIENCE = 2.0
_BODY_LIMIT = 64 * 1024


async def list_jobs(request: Request, services: Services) -> Response:
    """``GET /api/trace/jobs``. Raises InvalidParameter or NotReady."""
    services.view.check_ready()
    parameters = request.query_params
    limit = limit_of(parameters, LIST_LIMIT) or DEFAULT_LIST_LIMIT
    status = _status(parameters["status"]) if "status" in parameters else None
    behind = None
    if "after" in parameters:
        behind = services.view.table.place_of(parameters["after"])
        if behind is None:
            raise InvalidParameter(
                "after names no job that is known; give the id of the last job of the page before.",
                parameter="after",
            )
    found = list(islice(services.view.table.newest(status, behind), limit + 1))
    shown = found[:limit]
    headers = {}
    if len(found) > limit:
        query = {"limit": limit, "after": shown[-1].job_id} | ({"status": status} if status else {})
        headers["Link"] = f'<{request.url.path}?{urlencode(query)}>; rel="next"'
    return json_response(JobList([services.document(state) for state in shown]), headers=headers)


async def show_job(request: Request, services: Services) -> Response:
    """``GET /api/trace/job/{job_id}``. Raises UnknownJob or JobExpired."""
    return json_response(services.document(await _living(request, services)))


async def cancel_job(request: Request, services: Services) -> Response:
    """``POST /api/trace/job/{job_id}/cancel``: 202, or 200 when the job has ended already."""
    state = await _living(request, services)
    if state.ended:
        return json_response(services.document(state))
    await _command(services, state.job_id, CANCEL)
    current = services.view.state(state.job_id) or state
    return json_response(services.document(current), 202, {"Location": job_url(state.job_id)})


async def delete_job(request: Request, services: Services) -> Response:
    """``DELETE /api/trace/job/{job_id}``: 204, also when it is repeated. Raises UnknownJob."""
    state = await services.view.find(request.path_params["job_id"])
    if state.status is not Status.EXPIRED:
        await _command(services, state.job_id, DELETE)
    return Response(status_code=204)


async def change_ttl(request: Request, services: Services) -> Response:
    """``PATCH /api/trace/job/{job_id}``: 200 with the new state, once the worker has it or after a moment without."""
    body = await read_json(request, _BODY_LIMIT)
    ttl = check_ttl(decode_body(body, TtlBody).ttl_seconds, services.offer)
    state = await _living(request, services)
    offset = await _command(services, state.job_id, SET_TTL, msgspec.json.encode(SetTtl(ttl)))
    return json_response(services.document(await _applied(services, state, offset)))


async def _command(services: Services, job_id: str, kind: str, value: bytes | None = None) -> int:
    """Writes a command and shows it; returns its offset."""
    services.probe.check()
    headers = command_headers(kind)
    command = encode_command(job_id, headers, value, timestamp=now_ms())
    place = await services.commands.append(job_id, command)
    services.view.put_own(job_id, place, dict(headers), value)
    return place.offset


async def _applied(services: Services, state: JobState, offset: int) -> JobState:
    """The state that carries the command at ``offset``; after a while the one that only shows it. Raises JobExpired."""
    clock = asyncio.get_running_loop().time
    until = clock() + _TTL_PATIENCE
    current = services.view.state(state.job_id)
    while current is not None and current.last_command < offset and clock() < until:
        if current.status is Status.EXPIRED:
            break
        current = await services.view.wait_change(state.job_id, current.version, until - clock())
    if current is None or current.status is Status.EXPIRED:
        raise _expired(state.job_id)
    return current


async def _living(request: Request, services: Services) -> JobState:
    state = await services.view.find(request.path_params["job_id"])
    if state.status is Status.EXPIRED:
        raise _expired(state.job_id)
    return state


def _expired(job_id: str) -> JobExpired:
    return JobExpired(f"Job {job_id} has expired or was deleted; submit the query again.")


def _status(text: str) -> Status:
    try:
        return Status(text)
    except ValueError:
        raise InvalidParameter(
            f"status is {text[:40]!r}; it must be one of {', '.join(Status)}.", parameter="status"
        ) from None
