"""The cases in clients/cases, whose README says what their members mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "clients" / "cases"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of a client."""

    operation: str
    arguments: Json = field(default_factory=dict)
    options: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """``job`` is None where nobody knows the job."""

    chapter: str
    name: str
    job: Json | None
    network: Sequence[Json]
    call: Call
    during: Sequence[Json]
    expect: Json


def load_cases() -> list[Case]:
    """All of them; a member that is not known is an error."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        for each in json.loads(path.read_text("utf-8")):
            members = {"job": None, "network": [], "during": [], **each}
            members["call"] = Call(**members["call"])
            found.append(Case(chapter=path.stem, **members))
    return found
