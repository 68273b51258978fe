"""The built page as the gateway serves it: types, caching, compression, policy, and what is said where nothing was built."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway.documents import Documents
from gateway.openapi import openapi
from gateway.page import Page
from gateway.services import Services
from schemas.problems import NotFound
from tests.unit.test_requests import OFFER

SCRIPT = "console.log('page');\n" * 200
NO_SERVICES = cast(Services, None)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Tracestream</title>")
    (tmp_path / "assets" / "index-Ab12.js").write_text(SCRIPT)
    (tmp_path / "assets" / "index-Cd34.css").write_text("body{}")
    (tmp_path / "assets" / "index-Ab12.js.map").write_text("{}")
    return Page(tmp_path)


def request(path: str = "/", name: str = "", **headers: str) -> Request:
    raw = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": raw,
        "query_string": b"",
    }
    scope["server"], scope["scheme"] = ("127.0.0.1", 8080), "http"
    scope["path_params"] = {"name": name}
    return Request(scope)


async def asset(page: Page, name: str, **headers: str) -> Response:
    return await page.asset(request(name=name, **headers), NO_SERVICES)


@pytest.mark.parametrize(
    ("name", "kind"), [("index-Ab12.js", "text/javascript"), ("index-Cd34.css", "text/css")]
)
async def test_an_asset_has_its_type_and_is_kept_for_ever(page: Page, name: str, kind: str) -> None:
    answer = await asset(page, name)
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_the_document_is_asked_for_again_each_time(page: Page) -> None:
    answer = await page.place(request("/jobs"), NO_SERVICES)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    again = await page.place(request("/jobs", if_none_match=answer.headers["etag"]), NO_SERVICES)
    assert (again.status_code, again.body) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


async def test_a_policy_forbids_what_is_inline_and_what_comes_from_elsewhere(page: Page) -> None:
    for answer in (await page.place(request(), NO_SERVICES), await asset(page, "index-Ab12.js")):
        rules = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
        assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
        assert (
            rules["script-src"]
            == rules["style-src"]
            == rules["connect-src"]
            == rules["worker-src"]
            == "'self'"
        )
        assert "unsafe" not in answer.headers["content-security-policy"]


async def test_it_is_compressed_for_those_who_take_it_under_a_tag_of_its_own(page: Page) -> None:
    plain, zipped = (
        await asset(page, "index-Ab12.js"),
        await asset(page, "index-Ab12.js", accept_encoding="br, gzip"),
    )
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(zipped.body)) == plain.body == SCRIPT.encode()
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert zipped.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000", "identity"])
async def test_it_is_not_compressed_for_those_who_do_not(page: Page, accepted: str) -> None:
    answer = await asset(page, "index-Ab12.js", accept_encoding=accepted)
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("name", ["index-Ab12.js.map", "../index.html", "nothing.js", ""])
async def test_only_files_of_the_build_are_served(page: Page, name: str) -> None:
    with pytest.raises(NotFound):
        await asset(page, name)


async def test_where_nothing_was_built_the_root_says_so_and_links_to_the_api(tmp_path: Path) -> None:
    page = Page(tmp_path)
    assert page.document is None
    with pytest.raises(NotFound, match="not built"):
        await page.place(request("/jobs"), NO_SERVICES)
    documents = Documents(openapi(OFFER, 200_000, "1.2.3"), page.document)

    class Offered:
        offer = OFFER

    answer = await documents.home(request(), cast(Services, Offered()))
    text = bytes(answer.body).decode()
    assert "not built" in text
    assert "make page" in text
    assert 'href="/docs"' in text
