"""The one reader of the environment: fills the settings classes of all packages (:func:`schemas.settings.setting`).

Rules: an empty variable is the same as none, so the default holds. A value that cannot be used is an error that names the
variable, the value and what is wanted; the value of a secret is never repeated. A secret may also stand in a file named by
``<VARIABLE>_FILE``, as container and systemd credentials do. A ``TRACE_*`` variable that no class declares is answered with a
warning, because it is most likely a slip of the pen.
"""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from schemas.settings import setting

PREFIX = "TRACE_"
FILE_SUFFIX = "_FILE"

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})

SETTINGS_CLASSES: tuple[tuple[str, str], ...] = (
    ("tracestream.settings", "ClientSettings"),
    ("tracestream.settings", "ProcessSettings"),
    ("broker.settings", "BrokerSettings"),
    ("catalogue.settings", "CatalogueSettings"),
    ("producers.sources.settings", "SourceSettings"),
    ("producers.settings", "ProducerSettings"),
    ("processors.settings", "ProcessorSettings"),
    ("gateway.settings", "GatewaySettings"),
)
"""Module and class of every settings class of the project, in the order of the generated table."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What the commands that speak to a gateway need."""

    url: str = setting("TRACE_URL", "http://127.0.0.1:8080", "Where the commands find the gateway.")


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """What every process does alike."""

    log_level: str = setting("TRACE_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = setting("TRACE_LOG_JSON", False, "One JSON object a log line instead of text.")
    alive_file: str | None = setting(
        "TRACE_ALIVE_FILE",
        None,
        "A file whose time the worker and the processor renew every few seconds, for health checks.",
    )
    data_dir: str = setting(
        "TRACE_DATA_DIR",
        "~/.local/share/tracestream",
        "Where `up` and `demo` keep the broker's files, the demo data and logs.",
    )


class SettingsError(ValueError):
    """A setting that cannot be used; the message names the variable and says what to change."""


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """An object of the settings class ``cls`` from ``environ``. Raises :class:`SettingsError`."""
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in declared(cls):
        text = _text(field, environ)
        if text is not None:
            values[field.name] = _convert(field, hints[field.name], text)
    try:
        return cls(**values)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def declared(cls: type[Any]) -> Iterator[Field[Any]]:
    """The fields of ``cls`` that a variable can set."""
    return (field for field in fields(cls) if "env" in field.metadata)


def every_class() -> list[type[Any]]:
    """The classes of :data:`SETTINGS_CLASSES`."""
    return [getattr(import_module(module), name) for module, name in SETTINGS_CLASSES]


def variables(classes: Sequence[type[Any]]) -> set[str]:
    """The variables that ``classes`` declare, with the ``_FILE`` forms of secrets."""
    names: set[str] = set()
    for cls in classes:
        for field in declared(cls):
            names.add(field.metadata["env"])
            if field.metadata["secret"]:
                names.add(field.metadata["env"] + FILE_SUFFIX)
    return names


def unknown(environ: Mapping[str, str], known: set[str]) -> list[str]:
    """One sentence for each ``TRACE_*`` variable that is not in ``known``, with the nearest known name."""
    warnings = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            hint = f" Did you mean {near[0]}?" if near else ""
            warnings.append(f"{name} is not a setting of Tracestream and has no effect.{hint}")
    return warnings


def _text(field: Field[Any], environ: Mapping[str, str]) -> str | None:
    """The variable's text; None where it is missing or blank."""
    name = field.metadata["env"]
    file = environ.get(name + FILE_SUFFIX, "") if field.metadata["secret"] else ""
    if not file:
        text = environ.get(name, "")
        return text if text.strip() else None
    if environ.get(name):
        raise SettingsError(f"{name} and {name}{FILE_SUFFIX} are both set: give the one or the other.")
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n") or None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}{FILE_SUFFIX} names a file that cannot be read: {error}") from None


def _convert(field: Field[Any], annotation: Any, text: str) -> Any:
    kind = without_none(annotation)
    try:
        return _CONVERTERS[kind](text)
    except ValueError:
        shown = "a value" if field.metadata["secret"] else f"the value {text!r}"
        unit = f" of {field.metadata['unit']}" if field.metadata["unit"] else ""
        raise SettingsError(
            f"{field.metadata['env']} has {shown}, but must be {_WANTED[kind]}{unit}."
        ) from None


def without_none(annotation: Any) -> Any:
    """``X`` of ``X | None``; any other annotation as it is."""
    if isinstance(annotation, types.UnionType):
        (annotation,) = (kind for kind in typing.get_args(annotation) if kind is not types.NoneType)
    return annotation


def _bool(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_CONVERTERS: dict[Any, Any] = {
    str: str,
    int: int,
    float: _float,
    bool: _bool,
    Path: lambda text: Path(text).expanduser(),
    tuple[str, ...]: _names,
}
_WANTED: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: f"one of {', '.join(sorted(TRUE))} or {', '.join(sorted(FALSE))}",
}
