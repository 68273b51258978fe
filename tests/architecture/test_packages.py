"""The import names are plain words, so that nobody else may provide them and none of ours may be forgotten."""

from __future__ import annotations

import re
from importlib import metadata

from tests.architecture import tree

CLIENT = "tracestream_client"


def test_no_other_distribution_provides_our_import_names() -> None:
    providers = metadata.packages_distributions()
    others = {name: set(providers.get(name, [])) - {"tracestream"} for name in tree.top_packages()}
    assert not {name: found for name, found in others.items() if found}


def test_every_folder_with_modules_is_a_listed_package() -> None:
    outside = {"tests", "bench", "docs", "clients", "examples"}
    found = {path.parent.as_posix().replace("/", ".") for path in tree.sources() if path.parent.parts}
    assert {name for name in found if name.split(".")[0] not in outside} == set(tree.packages())


def test_every_listed_package_has_an_init_module() -> None:
    missing = [
        name for name in tree.packages() if not (tree.ROOT / name.replace(".", "/") / "__init__.py").exists()
    ]
    assert not missing


def test_the_client_is_a_distribution_of_its_own_that_needs_httpx_alone() -> None:
    project = tree.client_project()["project"]
    assert [re.match(r"[\w-]+", each)[0] for each in project["dependencies"]] == ["httpx"]  # type: ignore[index]
    assert metadata.packages_distributions()[CLIENT] == [project["name"]]
    assert project["name"] in tree.project()["tool"]["uv"]["sources"]
    assert (
        f"{project['name']}=={project['version'].rpartition('.')[0]}.*"
        in tree.project()["project"]["dependencies"]
    )


def test_type_checks_and_layers_cover_every_package() -> None:
    tool = tree.project()["tool"]
    own = {*tree.top_packages(), CLIENT}
    assert own <= set(tool["mypy"]["packages"])
    assert (
        own
        == set(tool["importlinter"]["root_packages"])
        == set(tool["ruff"]["lint"]["isort"]["known-first-party"])
    )
