"""The project's files as git knows them, and what pyproject.toml says of them."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def client_project() -> dict[str, Any]:
    """The client's pyproject.toml."""
    return tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text("utf-8"))


def packages() -> list[str]:
    """The import names that the distribution lists."""
    listed: list[str] = project()["tool"]["setuptools"]["packages"]
    return listed


def top_packages() -> list[str]:
    """Those without a dot."""
    return [name for name in packages() if "." not in name]


def files() -> list[Path]:
    """Files that git tracks or would take, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return sorted(Path(name) for name in output.split("\0") if name and (ROOT / name).exists())


def packaged_files() -> list[Path]:
    """Files inside of our packages."""
    return [path for path in files() if path.parts[0] in top_packages()]


def sources() -> list[Path]:
    """Python files, those of the tests and benchmarks too."""
    return [path for path in files() if path.suffix == ".py"]
