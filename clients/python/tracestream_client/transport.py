"""What both clients tell httpx, and what its errors mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from tracestream_client.backoff import Backoff, Retry
from tracestream_client.errors import Interrupted, NotTracestream, ServiceProblem, TracestreamError
from tracestream_client.resume import NDJSON, Resuming, last_error

CONNECT_TIMEOUT = 10.0
STREAM_HEADERS = {"Accept": NDJSON, "Accept-Encoding": "identity"}
"""Lines as they stand: httpx reads only the first of several gzip members, and no series of zstd frames."""

OnResume = Callable[[Resuming], None]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the gateway is, and how patient to be with it. Raises NotTracestream for a ``url`` that is none of http or https."""

    url: str
    headers: Mapping[str, str]
    retry: Retry
    stall_timeout: float
    on_resume: OnResume | None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise NotTracestream(f"{self.url!r} is not the URL of a gateway, such as http://127.0.0.1:8080.")

    def timeout(self, wait: float = 0.0) -> httpx.Timeout:
        """Of each read and write; ``wait`` seconds of silence are agreed on besides."""
        return httpx.Timeout(self.stall_timeout + wait, connect=CONNECT_TIMEOUT, pool=None)

    def failed(self, error: httpx.HTTPError | httpx.InvalidURL) -> TracestreamError:
        """Our error for one of httpx's, which is its cause; Interrupted when trying again may help."""
        ours = self._meaning(error)
        ours.__cause__ = error
        return ours

    def _meaning(self, error: httpx.HTTPError | httpx.InvalidURL) -> TracestreamError:
        what = str(error) or type(error).__name__
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            return NotTracestream(f"{self.url} is not a URL that can be used ({what}).")
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return Interrupted(f"Nobody answers at {self.url} ({what}).")
        if isinstance(error, httpx.ReadTimeout):
            return Interrupted(f"Nothing came from {self.url} for {self.stall_timeout:g} s.")
        return Interrupted(f"The connection to {self.url} broke ({what}).")

    def wait_after(self, error: TracestreamError, backoff: Backoff) -> float:
        """Seconds until an operation that failed is tried again. Raises ``error``, or ConnectionLost, when it shall not be."""
        if not repeatable(error):
            raise error
        retry_after = error.retry_after if isinstance(error, ServiceProblem) else None
        wait = backoff.next_wait(time.monotonic(), retry_after)
        if wait is None:
            raise last_error(error)
        return wait


def repeatable(error: TracestreamError) -> bool:
    """Whether trying again may help."""
    return isinstance(error, ServiceProblem | Interrupted)
