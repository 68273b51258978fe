"""How a settings class declares its fields, so that one reader and one generated table serve all of them.

Each package has a frozen dataclass whose fields are made by :func:`setting`. Only ``tracestream.settings`` reads the
environment; everybody else is handed the finished object.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any


def setting(env: str, default: Any, help: str, *, unit: str = "", secret: bool = False) -> Any:
    """A dataclass field that ``tracestream.settings`` fills from the environment variable ``env``.

    ``help`` is one sentence for the generated table. ``unit`` names what a number counts ("seconds", "bytes", …).
    ``secret`` keeps the value out of ``repr``, logs and the table. The type of the value comes from the field's annotation
    (``str``, ``int``, ``float``, ``bool``, ``Path``, ``tuple[str, ...]`` separated by commas, or one of these ``| None``).
    """
    return field(
        default=default,
        repr=not secret,
        metadata={"env": env, "help": help, "unit": unit, "secret": secret},
    )
