"""How fast a stream comes: reads a whole response from a socket and throws it away, as ``curl -o /dev/null`` would.

Python's HTTP clients spend more on a piece than the gateway does; for a measurement of the gateway the body is not even looked at.
Blocks; meant for a thread.
"""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

_BUFFER = 1 << 20
_LAST_CHUNK = b"0\r\n\r\n"
_TIMEOUT = 60.0


def drain(url: str) -> tuple[int, float]:
    """Bytes of the response, its head and chunk sizes included, and seconds. Raises OSError, also for a cut-off response."""
    parts = urlsplit(url)
    request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept-Encoding: identity\r\n\r\n"
    buffer = bytearray(_BUFFER)
    total = 0
    begun = time.perf_counter()
    with socket.create_connection((parts.hostname or "", parts.port or 80), _TIMEOUT) as connection:
        connection.sendall(request.encode("ascii"))
        tail = b""
        while tail != _LAST_CHUNK:
            size = connection.recv_into(buffer)
            if not size:
                raise ConnectionError("the response was cut off")
            total += size
            tail = (tail + buffer[max(0, size - len(_LAST_CHUNK)) : size])[-len(_LAST_CHUNK) :]
    return total, time.perf_counter() - begun
