"""``tracestream settings``: every setting explained, and the generated page docs/settings.md."""

from __future__ import annotations

import os
import sys
import typing
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any

from tracestream.exits import Exit
from tracestream.settings import FILE_SUFFIX, declared, every_class, load, without_none

_HEAD = f"""\
# Settings

Every process reads its settings from environment variables. An empty variable is the same as none: the default holds.
A list is separated by commas; a switch is `true` or `false`. A secret `X` may also stand in a file that `X{FILE_SUFFIX}` names.
`tracestream settings` shows what is set; a `TRACE_*` variable that is not on this page is warned of at the start.

This page is written by `tracestream settings --markdown`.
"""

_KINDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "switch",
    Path: "path",
    tuple[str, ...]: "list",
}


def show(arguments: Namespace) -> Exit:
    """Prints the page, or what the environment sets. Raises SettingsError."""
    sys.stdout.write(markdown() if arguments.markdown else _plain(os.environ))
    return Exit.OK


def markdown() -> str:
    """docs/settings.md."""
    return _HEAD + "".join(_section(cls) for cls in every_class())


def _section(cls: type[Any]) -> str:
    doc = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
    hints = typing.get_type_hints(cls)
    rows = "".join(_row(field, hints[field.name]) for field in declared(cls))
    name = cls.__name__.removesuffix("Settings")
    about = "" if doc.startswith(f"{cls.__name__}(") else f"{doc}\n\n"
    return f"\n## {name}\n\n{about}| variable | type | default | meaning |\n| --- | --- | --- | --- |\n{rows}"


def _row(field: Field[Any], annotation: Any) -> str:
    kind = _KINDS[without_none(annotation)]
    unit = field.metadata["unit"]
    help_text = field.metadata["help"].replace("|", "\\|")
    return f"| `{field.metadata['env']}` | {kind}{f', {unit}' if unit else ''} | {_shown(field, field.default)} | {help_text} |\n"


def _shown(field: Field[Any], value: Any) -> str:
    if value in (None, (), ""):
        return "–"
    if field.metadata["secret"]:
        return "(secret)"
    return f"`{_text(value)}`"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, Path):
        return value.as_posix()
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value).removesuffix(".0")


def _plain(environ: Mapping[str, str]) -> str:
    return "".join(line for cls in every_class() for line in _lines(cls, environ))


def _lines(cls: type[Any], environ: Mapping[str, str]) -> Iterator[str]:
    settings = load(cls, environ)
    yield f"# {cls.__name__.removesuffix('Settings')}\n"
    for field in declared(cls):
        value = getattr(settings, field.name)
        text = "" if value in (None, ()) else "********" if field.metadata["secret"] else _text(value)
        mark = " (set)" if value != field.default else ""
        unit = f" [{field.metadata['unit']}]" if field.metadata["unit"] else ""
        yield f"{field.metadata['env']}={text}{mark}\n    {field.metadata['help']}{unit}\n"
