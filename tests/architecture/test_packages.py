"""The import names are plain words, so that nobody else may provide them and none of ours may be forgotten."""

from __future__ import annotations

from importlib import metadata

from tests.architecture import tree


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


def test_type_checks_and_layers_cover_every_package() -> None:
    tool = tree.project()["tool"]
    assert set(tree.top_packages()) <= set(tool["mypy"]["packages"])
    assert set(tree.top_packages()) == set(tool["importlinter"]["root_packages"])
