"""/openapi.json, /docs and the page at the root: made once, without scripts and without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.page import File
from gateway.services import Services

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #0b6bcb; }
@media (prefers-color-scheme: dark) { :root { --accent: #6cb6ff; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; text-transform: capitalize; }
h3 { font-size: .95rem; margin: 1rem 0 .25rem; }
a { color: var(--accent); } code, pre { font: .9em/1.5 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: .5rem; overflow-x: auto; padding: .75rem 1rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: 0 1rem; }
summary { cursor: pointer; margin: 0 -1rem; padding: .6rem 1rem; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.method { display: inline-block; font: 600 .8rem ui-monospace, monospace; min-width: 4.2rem; }
.about { opacity: .75; } .table { overflow-x: auto; }
table { border-collapse: collapse; margin: .25rem 0 1rem; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .35rem .75rem .35rem 0; text-align: left; vertical-align: top; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
_EXAMPLE = """\
curl -H 'Content-Type: application/json' -d '{"container_ids":["C000001"],"domains":["%s"]}' \\
     %s/api/trace/jobs
curl -N %s/api/trace/job/JOB_ID/stream"""


class Documents:
    """The documents of one gateway, from its OpenAPI document. ``page`` is what was built for the root."""

    def __init__(self, openapi: Mapping[str, Any], page: File | None = None) -> None:
        self._openapi = openapi
        self._built = page
        self._json = msgspec.json.encode(openapi)
        self._tag = f'"{hashlib.blake2b(self._json, digest_size=12).hexdigest()}"'
        self._docs = _page("Tracestream API", "".join(_docs(openapi)))

    async def openapi(self, request: Request, services: Services) -> Response:
        """``GET /openapi.json``."""
        headers = {"ETag": self._tag, "Cache-Control": "no-cache"}
        if self._tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self._json, 200, headers, "application/json")

    async def docs(self, request: Request, services: Services) -> Response:
        """``GET /docs``."""
        return Response(self._docs, 200, _HEADERS, "text/html")

    async def home(self, request: Request, services: Services) -> Response:
        """``GET /``: the page, or links and how to build it where it was not built."""
        if self._built is not None:
            return self._built.answer(request)
        base = str(request.base_url).rstrip("/")
        body = _page("Tracestream", "".join(_home(base, next(iter(services.offer.domains), ""))))
        return Response(body, 200, _HEADERS, "text/html")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _home(base: str, domain: str) -> Iterator[str]:
    yield "<main><h1>Tracestream</h1><p class=about>Traces of containers as event logs, over HTTP.</p>"
    yield "<p>The page that belongs here was not built on this machine. In a checkout, <code>make page</code> builds it; "
    yield "start the gateway again afterwards. The API is complete without it.</p>"
    yield "<h2>Start here</h2><ul>"
    for path, text in (
        ("/docs", "the API, for people"),
        ("/openapi.json", "the API, for programs (OpenAPI 3.1)"),
        ("/api/trace/domains", "what can be asked for"),
        ("/api/trace/jobs", "the newest jobs"),
    ):
        yield f'<li><a href="{path}">{path}</a> – {text}</li>'
    yield "</ul><h2>Run it</h2><ul>"
    for path, text in (
        ("/readyz", "whether requests can be served"),
        ("/healthz", "whether the process is alive"),
        ("/metrics", "counters and gauges for Prometheus"),
    ):
        yield f'<li><a href="{path}">{path}</a> – {text}</li>'
    yield f"</ul><h2>From a shell</h2><pre>{escape(_EXAMPLE % (domain, base, base))}</pre></main>"


def _docs(openapi: Mapping[str, Any]) -> Iterator[str]:
    info = openapi["info"]
    yield f"<main><h1>{escape(info['title'])} API</h1>"
    yield f"<p>{_text(info['description'])}</p><p class=about>Version {escape(info['version'])} · "
    yield '<a href="/openapi.json">OpenAPI document</a> · <a href="/">home</a></p>'
    tag = None
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                yield f"<h2>{escape(tag)}</h2>"
            yield from _operation(path, method, operation, item.get("parameters", []))
    yield "<h2>types</h2>"
    for name, schema in openapi["components"]["schemas"].items():
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code> '
        yield f"<span class=about>{_text(schema.get('description', ''))}</span></summary>"
        shown = msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()
        yield f"<pre>{escape(shown)}</pre></details>"
    yield "</main>"


def _operation(
    path: str, method: str, operation: Mapping[str, Any], shared: list[Mapping[str, Any]]
) -> Iterator[str]:
    yield f'<details id="{operation["operationId"]}"><summary><span class=method>{method.upper()}</span> '
    yield f"<code>{escape(path)}</code> <span class=about>{escape(operation['summary'])}</span></summary>"
    yield f"<p>{_text(operation['description'])}</p>"
    parameters = [*shared, *operation.get("parameters", [])]
    if parameters:
        yield "<h3>Parameters</h3><div class=table><table>"
        for each in parameters:
            need = " (required)" if each["required"] else ""
            yield f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}{need}</td>"
            yield f"<td>{_text(each['description'])}</td></tr>"
        yield "</table></div>"
    if body := operation.get("requestBody"):
        yield f"<h3>Body</h3><p>{_types(body['content'])}</p>"
    yield "<h3>Answers</h3><div class=table><table>"
    for status, answer in operation["responses"].items():
        yield f"<tr><td>{escape(status)}</td><td>{_text(answer['description'])}</td>"
        yield f"<td>{_types(answer.get('content', {}))}</td></tr>"
    yield "</table></div></details>"


def _types(content: Mapping[str, Any]) -> str:
    return "<br>".join(
        f"<code>{escape(media_type)}</code> {_link(each['schema'])}" for media_type, each in content.items()
    )


def _link(schema: Mapping[str, Any]) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else "text"


def _text(text: str) -> str:
    """Escaped; what stands in back-ticks becomes code, a new line a break."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)).replace("\n", "<br>")
