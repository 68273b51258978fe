"""Writes the files that repeat the contract: ``python -m schemas.generate``, also by ``make docs``.

``schemas/json/*.schema.json`` (each message, state and command), ``schemas/asyncapi.yaml`` (the topics), ``docs/states.svg``
(a job's life) and the marked tables in ``docs/*.md``. A test compares every file with what is made here.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from schemas.asyncapi import asyncapi
from schemas.commands import Request, SetTtl, SubmitValue
from schemas.diagram import states_svg
from schemas.headers import BATCH, COUNT, DOMAIN, FIRST, NEXT_CHUNK, TYPE
from schemas.jobs import JobState
from schemas.results import Result
from schemas.shapes import LINES
from schemas.tables import fill, sections

ROOT = Path(__file__).resolve().parents[1]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PAGES = ("api.md", "topics.md", "architecture.md")
_OTHERS: Mapping[str, type[msgspec.Struct]] = {
    "state": JobState,
    "result": Result,
    "request": Request,
    "submit": SubmitValue,
    "set_ttl": SetTtl,
}


def files() -> dict[Path, str]:
    """Every generated file, relative to the root, with its content."""
    made = {
        Path(f"schemas/json/{name}.schema.json"): _text(json_schema(kind))
        for name, kind in {**LINES, **_OTHERS}.items()
    }
    made[Path("schemas/json/headers.schema.json")] = _text(_headers_schema())
    made[Path("schemas/asyncapi.yaml")] = _yaml(asyncapi())
    made[Path("docs/states.svg")] = states_svg()
    tables = sections()
    for name in _PAGES:
        page = Path("docs") / name
        made[page] = fill((ROOT / page).read_text("utf-8"), tables)
    return made


def json_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a struct, the description its docstring."""
    (reference,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own = definitions.pop(reference["$ref"].rpartition("/")[2])
    schema: dict[str, Any] = _cleaned({"$schema": _DIALECT, **own})
    if definitions:
        schema["$defs"] = _cleaned(definitions)
    return schema


def _headers_schema() -> dict[str, Any]:
    number = {"type": "string", "pattern": "^[0-9]+$"}
    texts = {TYPE: {"type": "string", "enum": list(LINES)}, DOMAIN: {"type": "string"}}
    return {
        "$schema": _DIALECT,
        "title": "Headers",
        "description": "Kafka headers of a message of a job topic; ASCII text. One that does not apply is absent.",
        "type": "object",
        "properties": {**texts, **dict.fromkeys((BATCH, FIRST, COUNT, NEXT_CHUNK), number)},
        "required": [TYPE],
    }


def _cleaned(node: Any) -> Any:
    """The schema with docstrings without their indentation and double quotes."""
    if isinstance(node, dict):
        return {
            key: inspect.cleandoc(value).replace("``", "`") if key == "description" else _cleaned(value)
            for key, value in node.items()
        }
    return [_cleaned(each) for each in node] if isinstance(node, list) else node


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(document: Mapping[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - a developer's tool; the service runs without it

    text: str = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120)
    return text


def main() -> None:
    for path, content in files().items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")


if __name__ == "__main__":
    main()
