"""Where the catalogue lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.settings import setting


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    folder: Path | None = setting(
        "TRACE_CATALOGUE",
        None,
        "Folder of the domains: for each a <name>.sql and a <name>.toml. Empty: the packaged ones, which fit the demo data.",
    )
