"""Writes the documents that need more than the contract: ``python -m tracestream.documents``, also by ``make docs``.

``schemas/openapi.json`` is what a gateway with default settings and the packaged catalogue answers at /openapi.json;
``docs/settings.md`` is ``tracestream settings --markdown``. Tests compare both with what is made here.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from catalogue.loader import load_catalogue
from gateway.openapi import openapi
from gateway.settings import GatewaySettings
from processors.registry import load_aggregations, specs
from producers.settings import ProducerSettings
from schemas.requests import Offer
from tracestream.show_settings import markdown

ROOT = Path(__file__).resolve().parents[1]


def files() -> dict[Path, str]:
    """Each document, relative to the root, with its content."""
    return {Path("schemas/openapi.json"): openapi_text(), Path("docs/settings.md"): markdown()}


def openapi_text() -> str:
    """The OpenAPI document of the defaults."""
    gateway = GatewaySettings()
    offer = Offer(
        domains={domain.name: domain.description for domain in load_catalogue().values()},
        aggregations=specs(load_aggregations()),
        batch_size=ProducerSettings().batch_size,
        default_ttl=gateway.default_ttl,
        min_ttl=gateway.min_ttl,
        max_ttl=gateway.max_ttl,
    )
    document = openapi(offer, gateway.max_cids, version("tracestream"))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    for path, content in files().items():
        (ROOT / path).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
