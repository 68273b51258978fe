"""Each wheel holds everything that is in its packages, data files too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture import tree

CLIENT = Path("clients/python")


def packaged(root: Path) -> list[Path]:
    """Files of the packages of the distribution at ``root``, relative to it."""
    if root == CLIENT:
        return [
            path.relative_to(CLIENT)
            for path in tree.files()
            if path.is_relative_to(CLIENT / "tracestream_client")
        ]
    return tree.packaged_files()


@pytest.mark.parametrize("root", [Path(), CLIENT], ids=["tracestream", "tracestream-client"])
def test_a_wheel_has_every_file_of_its_packages(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    files = packaged(root)
    for path in [*files, Path("pyproject.toml"), Path("README.md")]:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree.ROOT / root / path, source / path)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
    ]
    subprocess.run([*command, str(source)], check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    assert {path.as_posix() for path in files} - inside == set()
    assert len(files) > 5
