"""Every setting is declared once, documented, and read in one place."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections import Counter
from typing import Any

from tests.architecture import tree
from tracestream.settings import every_class


def settings_classes() -> list[type[Any]]:
    """Every dataclass with a field made by ``schemas.settings.setting`` in any module named settings."""
    found = []
    for path in tree.packaged_files():
        if path.name != "settings.py":
            continue
        name = ".".join(path.with_suffix("").parts)
        for value in vars(importlib.import_module(name)).values():
            own = isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == name
            if own and any("env" in field.metadata for field in dataclasses.fields(value)):
                found.append(value)
    return found


def settings_fields() -> list[dataclasses.Field[Any]]:
    return [
        field for cls in settings_classes() for field in dataclasses.fields(cls) if "env" in field.metadata
    ]


def test_the_reader_knows_every_settings_class() -> None:
    assert set(every_class()) == set(settings_classes())


def test_every_setting_says_in_a_sentence_what_it_is() -> None:
    silent = [
        field.metadata["env"] for field in settings_fields() if not field.metadata["help"].endswith(".")
    ]
    assert not silent


def test_every_variable_is_declared_once_under_our_prefix() -> None:
    names = Counter(field.metadata["env"] for field in settings_fields())
    assert [name for name, times in names.items() if times > 1] == []
    assert [name for name in names if not re.fullmatch(r"TRACE_[A-Z0-9_]+", name)] == []


def test_settings_cannot_be_changed_after_they_were_made() -> None:
    for cls in settings_classes():
        assert cls.__dataclass_params__.frozen, cls


def test_only_the_composition_reads_the_environment() -> None:
    modules = [
        path for path in tree.packaged_files() if path.suffix == ".py" and path.parts[0] != "tracestream"
    ]
    readers = [
        f"{path}:{node.lineno}"
        for path in modules
        for node in ast.walk(ast.parse((tree.ROOT / path).read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")
    ]
    assert not readers
