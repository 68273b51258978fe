"""Files that repeat the contract are current, and the changelog names the version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from schemas import generate
from schemas.tables import sections
from tests.architecture import tree
from tracestream import documents

DOCS = sorted((tree.ROOT / "docs").rglob("*.md"))
CLIENTS = sorted((tree.ROOT / "clients").glob("*/README.md"))
PAGES = [tree.ROOT / "README.md", tree.ROOT / "CHANGELOG.md", *DOCS, *CLIENTS]


@pytest.mark.parametrize("path", list(generate.files()), ids=str)
def test_a_generated_file_is_current(path: Path) -> None:
    assert (tree.ROOT / path).read_text("utf-8") == generate.files()[path], "run: make docs"


def test_the_openapi_document_is_current() -> None:
    assert (tree.ROOT / "schemas/openapi.json").read_text("utf-8") == documents.openapi_text(), (
        "run: make docs"
    )


def test_no_schema_is_left_of_a_message_that_is_gone() -> None:
    found = {path.relative_to(tree.ROOT) for path in (tree.ROOT / "schemas/json").iterdir()}
    assert found == {path for path in generate.files() if path.parent.name == "json"}


def test_every_table_stands_in_a_page() -> None:
    text = "".join(page.read_text("utf-8") for page in DOCS)
    assert {name for name in sections() if f"<!-- table: {name} -->" not in text} == set()


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    text = (tree.ROOT / "schemas/asyncapi.yaml").read_text("utf-8")
    document = yaml.safe_load(text)
    for reference in re.findall(r"\$ref: '?([^'\s]+)", text):
        if reference.startswith("#/"):
            node = document
            for step in reference[2:].split("/"):
                node = node[step]
        else:
            assert (tree.ROOT / "schemas" / reference).exists(), reference


def test_the_changelog_begins_with_the_version() -> None:
    changelog = (tree.ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[?([0-9][^\]\s]*)", changelog, re.MULTILINE)
    assert versions[0] == tree.project()["project"]["version"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(tree.ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    broken = [
        link
        for link in (first or second for first, second in links)
        if not re.match(r"[a-z]+:|#", link) and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert not broken
