"""The aggregations there are: every module of :mod:`processors.aggregations` that names its class as ``AGGREGATION``."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from catalogue.domain import Domain
from processors import aggregations
from processors.aggregations.protocol import Aggregation
from schemas.results import AggregationSpec

Registry = Mapping[str, type[Aggregation]]
"""Aggregation classes by name."""

_SEAM = "protocol"


def load_aggregations() -> Registry:
    """All aggregations of the package. Raises ValueError where a module has none or two have one name."""
    found: dict[str, type[Aggregation]] = {}
    for module in pkgutil.iter_modules(aggregations.__path__):
        if module.name == _SEAM:
            continue
        kind: type[Aggregation] | None = getattr(
            import_module(f"{aggregations.__name__}.{module.name}"), "AGGREGATION", None
        )
        if kind is None:
            raise ValueError(f"the module {module.name} of the aggregations names no AGGREGATION")
        if kind.spec.name in found:
            raise ValueError(f"two aggregations are called {kind.spec.name}")
        found[kind.spec.name] = kind
    return found


def specs(registry: Registry) -> dict[str, AggregationSpec]:
    """What each aggregation needs, for those that check a request before there is a log."""
    return {name: kind.spec for name, kind in registry.items()}


def check_catalogue(registry: Registry, catalogue: Mapping[str, Domain]) -> None:
    """Raises ValueError naming the aggregation and the domain when the catalogue lacks one that is needed."""
    for name, spec in specs(registry).items():
        for domain, columns in spec.needs.items():
            if domain not in catalogue:
                known = ", ".join(catalogue) or "none"
                raise ValueError(
                    f"the aggregation {name} needs the domain {domain}, which the catalogue does not have (it has {known})"
                )
            column = catalogue[domain].container_column
            if column not in columns:
                raise ValueError(
                    f"the aggregation {name} does not read {column}, the container ID of the domain {domain}"
                )
