"""Runs a gateway with uvicorn (design: "Processes").

SIGTERM or SIGINT drains: no new connections, streams end behind a line, requests finish; what is still open after the drain time
is cut. A second signal cuts at once. Connections inherit what is set on the listening socket: keep-alive probes, by which a client
that is gone without a word is noticed after some 20 s, and how much a socket takes ahead of its client.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from broker.settings import BrokerSettings
from catalogue.loader import Catalogue
from gateway import rawbody
from gateway.app import create_app
from gateway.guard import is_loopback
from gateway.problems import problem_response
from gateway.settings import GatewaySettings
from schemas.problems import InvalidBody
from schemas.results import AggregationSpec

log = logging.getLogger(__name__)

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75
_PROBES = (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
_AHEAD = (("TCP_NOTSENT_LOWAT", 3 << 19),)
"""Bytes that a socket takes beyond what its client's window allows. Less is no gain: the client's own buffer grows instead
(docs/decisions/0015)."""

_CUT = "ASGI callable returned without completing response."


class AddressError(ValueError):
    """The address can't be listened on; the message says what to change."""


def serve(
    broker: BrokerSettings,
    settings: GatewaySettings,
    catalogue: Catalogue,
    aggregations: Mapping[str, AggregationSpec],
    batch_size: int,
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Runs until a signal. ``on_ready`` is called with the URL once connections are accepted (Kafka may still be away).

    Raises AddressError when the address is taken, or is beyond loopback and that was not allowed.
    """
    _quieten_uvicorn()
    listener = listen(settings)
    app = create_app(broker, settings, catalogue, aggregations, batch_size)
    server = Server(app, settings, lambda: on_ready(url_of(listener)))
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


def listen(settings: GatewaySettings) -> socket.socket:
    """The listening socket. Raises AddressError."""
    if not is_loopback(settings.host) and not settings.allow_public:
        raise AddressError(
            f"TRACE_HTTP_HOST is {settings.host}, which others can reach, and nobody is asked who they are. "
            "Set TRACE_ALLOW_PUBLIC=1 if that is meant, or listen on 127.0.0.1."
        )
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (*_PROBES, *_AHEAD):
            if hasattr(socket, name):
                listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        raise AddressError(
            f"{settings.host}:{settings.port} can't be listened on: {error.strerror}. Set TRACE_HTTP_HOST or TRACE_HTTP_PORT."
        ) from None
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """Where the gateway is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn that drains streams, ends with exit code 0 after a signal, and says when it accepts."""

    def __init__(self, app: Starlette, settings: GatewaySettings, on_ready: Callable[[], None]) -> None:
        super().__init__(_config(app, settings))
        self._app = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            log.info("listening on %s", url_of(sockets[0]) if sockets else "")
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.services.reading.drain()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


class HttpProtocol(HttpToolsProtocol):
    """Answers what is no HTTP with a problem, as everything else, and offers bodies without a copy."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {rawbody.EXTENSION: {"body": rawbody.RawBody(self.transport, self.flow)}}

    def send_400_response(self, msg: str) -> None:
        response = problem_response(
            InvalidBody("This is not a valid HTTP/1.1 request."), {"Connection": "close"}
        )
        head = b"".join(b"%b: %b\r\n" % pair for pair in response.raw_headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n%b\r\n%b" % (head, bytes(response.body)))
        self.transport.close()


def _quieten_uvicorn() -> None:
    """What we say ourselves is not said twice; a response that was cut on purpose (at expiry) is no error of the server."""
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.WARNING)
    logger.addFilter(lambda record: record.msg != _CUT)


def _config(app: Starlette, settings: GatewaySettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
    )
