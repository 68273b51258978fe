"""The page at the root: what Vite built into ``static/page``, read once, served as it is.

Names in ``assets/`` carry a hash of their content, so a browser may keep them for ever; everything else is the one HTML document,
which is asked for again each time. The policy allows what comes from this gateway and nothing else, neither inline scripts nor
inline styles; it goes with the scripts too, because a worker is bound by the policy of its own script.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from gateway.services import Services
from schemas.problems import NotFound

BUILT = Path(__file__).parent / "static" / "page"

PATHS = ("/jobs", "/jobs/{job_id}")
"""Addresses inside the page, beside the root: each is answered with the document, which shows what belongs there."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS = "assets"
_FOR_EVER = "public, max-age=31536000, immutable"
_SMALLEST = 1024
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class File:
    """One built file: its bytes, compressed too where that helps, and the tag that both share but for a suffix."""

    body: bytes
    gzip: bytes | None
    media_type: str
    tag: str
    cache: str

    def answer(self, request: Request) -> Response:
        """The file, or 304 where the browser has it."""
        zipped = self.gzip is not None and _takes_gzip(request.headers.get("accept-encoding", ""))
        tag = f'"{self.tag}{"-gzip" if zipped else ""}"'
        headers = {
            "ETag": tag,
            "Cache-Control": self.cache,
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": _POLICY,
        }
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response(self.gzip if zipped else self.body, 200, headers, self.media_type)


class Page:
    """The files of one build. ``document`` is None where nothing was built."""

    def __init__(self, folder: Path = BUILT) -> None:
        index = folder / "index.html"
        self.document = _read(index, "no-cache") if index.is_file() else None
        found = sorted((folder / _ASSETS).glob("*")) if self.document else []
        self._assets = {path.name: _read(path, _FOR_EVER) for path in found if path.suffix in _TYPES}

    async def asset(self, request: Request, services: Services) -> Response:
        """``GET /assets/{name}``. Raises NotFound."""
        file = self._assets.get(request.path_params["name"])
        if file is None:
            raise NotFound(
                f"The page has no file {request.path_params['name'][:100]!r}; load the page again."
            )
        return file.answer(request)

    async def place(self, request: Request, services: Services) -> Response:
        """One of :data:`PATHS`. Raises NotFound where nothing was built."""
        if self.document is None:
            raise NotFound("The page was not built here; the API answers below /api/trace.")
        return self.document.answer(request)


def _read(path: Path, cache: str) -> File:
    body = path.read_bytes()
    small = gzip.compress(body, 9, mtime=0) if len(body) >= _SMALLEST else None
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    return File(body, small, _TYPES[path.suffix], tag, cache)


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip without refusing it."""
    for each in accepted.lower().split(","):
        name, _, weight = each.partition(";")
        if name.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "").removeprefix("q=").rstrip("0.") != "" or not weight
    return False
