"""Container IDs to try the service with, from a file that a setting names: the demo's own, for instance."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from gateway.services import Services
from schemas.problems import NotFound

_READ = 1 << 20


async def example_ids(_request: Request, services: Services) -> Response:
    """``GET /api/trace/example-ids``: one ID a line. Raises NotFound where there are none."""
    path = services.settings.example_ids
    if not path or not Path(path).is_file():  # noqa: ASYNC240 - one stat
        raise NotFound("This gateway offers no example; give container IDs of your own.")
    return FileResponse(path, media_type="text/plain", headers={"Cache-Control": "private, no-cache"})


def count_ids(path: str) -> int | None:
    """Lines of the file; None where there is none to be read."""
    if not path:
        return None
    try:
        with Path(path).open("rb") as lines:
            return sum(piece.count(b"\n") for piece in iter(lambda: lines.read(_READ), b""))
    except OSError:
        return None
