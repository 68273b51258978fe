"""The JavaScript package by itself: types, unit and property tests in every Node.js, and what is committed beside the sources."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.node import PACKAGE, WHEEL, installed, nodes

TSC = ("node_modules/typescript/bin/tsc",)


def _run(node: Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        [node, *arguments], cwd=installed(), capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]


@pytest.mark.parametrize("node", nodes())
def test_the_unit_and_property_tests_pass(node: str) -> None:
    files = sorted((PACKAGE / "test").glob("*.test.js"))
    assert files
    _run(nodes()[node], "--test", "--test-timeout=240000", *files)


def test_the_types_hold_in_strict_mode() -> None:
    _run(WHEEL, *TSC, "--noEmit")


def test_the_declarations_in_the_package_are_those_of_the_sources(tmp_path: Path) -> None:
    _run(WHEEL, *TSC, "--project", "tsconfig.types.json", "--outDir", tmp_path)
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text("utf-8") for path in (PACKAGE / "types").iterdir()}
    assert made == kept, "make client-types"


def test_the_package_has_no_dependency_at_run_time() -> None:
    package = json.loads((PACKAGE / "package.json").read_text("utf-8"))
    assert not {"dependencies", "optionalDependencies", "bundledDependencies"} & set(package)
    assert list(package["peerDependencies"]) == ["vue"]


def test_the_lock_names_no_address() -> None:
    lock = json.loads((PACKAGE / "package-lock.json").read_text("utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages
    assert all("resolved" not in each and each["integrity"] for each in packages.values())
    settings = (PACKAGE / ".npmrc").read_text("utf-8").splitlines()
    assert settings == ["omit-lockfile-registry-resolved=true", "update-notifier=false"]


def test_every_source_file_is_small() -> None:
    lengths = {
        path.name: len(path.read_text("utf-8").splitlines()) for path in (PACKAGE / "src").glob("*.js")
    }
    assert len(lengths) > 10
    assert max(lengths.values()) <= 300, lengths
