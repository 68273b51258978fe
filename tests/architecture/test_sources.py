"""What the sources keep to: sizes, one style of annotations, no addresses to download from."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture import tree

LONGEST_FILE = 500
LONGEST_FUNCTION = 80


def parsed(path: Path) -> ast.Module:
    return ast.parse((tree.ROOT / path).read_text("utf-8"), str(path))


def test_no_source_file_is_too_long_to_read() -> None:
    lengths = {path: len((tree.ROOT / path).read_text("utf-8").splitlines()) for path in tree.sources()}
    assert {str(path): n for path, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_read() -> None:
    long = []
    for path in tree.sources():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{path}:{node.lineno} {node.name} {lines}")
    assert not long


def test_every_module_says_what_it_is_and_delays_its_annotations() -> None:
    incomplete = []
    for path in tree.sources():
        module = parsed(path)
        if not module.body or path.name == "__init__.py":
            continue
        futures = [n for n in module.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
        if not ast.get_docstring(module) or not any(
            a.name == "annotations" for n in futures for a in n.names
        ):
            incomplete.append(str(path))
    assert not incomplete


@pytest.mark.parametrize(
    "lock", [path for path in tree.files() if "lock" in path.name and path.parts[0] != ".ci"]
)
def test_a_lock_file_names_no_address_to_download_from(lock: Path) -> None:
    # What npm copies of a package's own description has links to its authors.
    funding = r'"funding": (?:"[^"]*"|\{[^}]*\}|\[[^\]]*\])'
    text = re.sub(funding, "", (tree.ROOT / lock).read_text("utf-8"))
    assert not re.findall(r"https?://[^\s\"]+", text)
