"""Reads a folder of domains. The only part of the catalogue that touches a disk; it needs no database.

Each ``<name>.sql`` needs its ``<name>.toml`` and the other way round; other files are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from catalogue.domain import CatalogueError, Domain, parse_domain

PACKAGED_DOMAINS = Path(__file__).parent / "domains"

Catalogue = Mapping[str, Domain]
"""Domains by name, in the order of their names."""


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """The catalogue of ``folder``, or the packaged one. Raises CatalogueError with the file and what to change."""
    folder = folder or PACKAGED_DOMAINS
    try:
        files = {
            file.name: file
            for file in sorted(folder.iterdir())
            if file.suffix in (".sql", ".toml") and file.is_file()
        }
    except OSError as error:
        raise CatalogueError(str(folder), f"the folder cannot be read: {error.strerror}") from None
    if not files:
        raise CatalogueError(str(folder), "no domains: for each a <name>.sql and a <name>.toml are needed")
    domains = {}
    for name in sorted({file.stem for file in files.values()}):
        for needed, other in ((f"{name}.sql", f"{name}.toml"), (f"{name}.toml", f"{name}.sql")):
            if needed not in files:
                raise CatalogueError(str(folder / needed), f"missing, though there is a {other}")
        try:
            domains[name] = parse_domain(name, _read(files[f"{name}.sql"]), _read(files[f"{name}.toml"]))
        except CatalogueError as error:
            raise CatalogueError(str(folder / error.file), error.reason) from None
    return MappingProxyType(domains)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CatalogueError(file.name, "not UTF-8") from None
    except OSError as error:
        raise CatalogueError(file.name, f"cannot be read: {error.strerror}") from None
