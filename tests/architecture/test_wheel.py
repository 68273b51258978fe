"""The wheel holds everything that is in the packages, data files too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.architecture import tree


def test_the_wheel_has_every_file_of_the_packages(tmp_path: Path) -> None:
    source = tmp_path / "source"
    taken = [*tree.packaged_files(), *(p for p in tree.files() if p.name in ("pyproject.toml", "README.md"))]
    for path in taken:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree.ROOT / path, source / path)
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
    assert {path.as_posix() for path in tree.packaged_files()} - inside == set()
