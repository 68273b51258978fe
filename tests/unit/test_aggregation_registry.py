"""Which aggregations there are and what they need of the catalogue."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogue.loader import load_catalogue
from processors import aggregations, registry
from processors.registry import check_catalogue, load_aggregations, specs

MODULE = """
from schemas.results import AggregationSpec
class Counting:
    spec = AggregationSpec({name!r}, "Counts.", {{"history": ("CONTAINERID",)}})
AGGREGATION = Counting
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules count as modules of the package."""
    monkeypatch.setattr(aggregations, "__path__", [*aggregations.__path__, str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for file in tmp_path.glob("*.py"):
        sys.modules.pop(f"{aggregations.__name__}.{file.stem}", None)


def test_the_packaged_aggregations_fit_the_packaged_catalogue() -> None:
    found = load_aggregations()
    assert list(found) == ["msd"]
    check_catalogue(found, load_catalogue())


def test_a_new_aggregation_is_one_new_file(added: Path) -> None:
    (added / "counting.py").write_text(MODULE.format(name="counting"))
    assert specs(load_aggregations())["counting"].needs == {"history": ("CONTAINERID",)}


def test_a_module_without_an_aggregation_is_refused(added: Path) -> None:
    (added / "empty_one.py").write_text("")
    with pytest.raises(ValueError, match="empty_one of the aggregations names no AGGREGATION"):
        load_aggregations()


def test_two_aggregations_of_one_name_are_refused(added: Path) -> None:
    (added / "second.py").write_text(MODULE.format(name="msd"))
    with pytest.raises(ValueError, match="two aggregations are called msd"):
        load_aggregations()


def test_a_catalogue_without_a_domain_that_is_needed_is_refused() -> None:
    domains = {name: domain for name, domain in load_catalogue().items() if name != "materials"}
    with pytest.raises(ValueError, match="msd needs the domain materials"):
        registry.check_catalogue(load_aggregations(), domains)
