"""The tables of the documentation that repeat the contract, as Markdown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from schemas import headers
from schemas.jobs import TRANSITIONS, Status
from schemas.messages import DOMAIN_END, DOMAIN_START, RECORDS
from schemas.problems import TYPE_PREFIX, ClientProblem, JobProblem, Problem, ServiceProblem
from schemas.shapes import LINES
from schemas.topics import Names, TopicSpec, job_topic, shared_topics

_RETENTION = 14 * 86_400.0
_KEYS = {"commands": "job id", "jobs": "job id", "results": "job id"}

_HEADERS = (
    (headers.TYPE, "all", "the message's `type`"),
    (headers.DOMAIN, f"{DOMAIN_START}, {RECORDS}, {DOMAIN_END}", "the domain's name"),
    (headers.BATCH, RECORDS, "number of the batch in its domain, from 1"),
    (headers.FIRST, RECORDS, "record offset of its first record, from 0 in the domain"),
    (headers.COUNT, f"{RECORDS}, {DOMAIN_END}", "how many records it holds; at the end all of the domain"),
    (
        headers.NEXT_CHUNK,
        f"{DOMAIN_START}, {RECORDS}, {DOMAIN_END}",
        "the first chunk of which not every record stands in the log yet: for the writer",
    ),
)


def sections() -> dict[str, str]:
    """Every table by the name of its place in docs/."""
    return {
        "problems of requests": problems(ClientProblem),
        "problems of the service": problems(ServiceProblem),
        "problems of jobs": problems(JobProblem),
        "topics": topics(),
        "headers": _table(("header", "in", "value (ASCII text)"), ((f"`{a}`", b, c) for a, b, c in _HEADERS)),
        "messages": messages(),
        "states": states(),
    }


def problems(base: type[Problem]) -> str:
    """The problems of one kind: type, status and title."""
    rows = ((f"`{kind.slug}`", str(kind.status), _title(kind)) for kind in _kinds(base))
    return _table((f"type, behind `{TYPE_PREFIX}`", "status", "title"), rows)


def topics() -> str:
    """The topics with the settings they are created with."""
    names = Names()
    shared = shared_topics(names, 8, 1, 1, _RETENTION)
    rows = [*((spec, _KEYS[spec.name.removeprefix(names.prefix)]) for spec in shared)]
    rows.append((job_topic(names, "<job id>", 1, 1), "none"))
    return _table(("topic", "key", "partitions", "settings"), (_topic_row(spec, key) for spec, key in rows))


def _topic_row(spec: TopicSpec, key: str) -> tuple[str, ...]:
    partitions = "`TRACE_PARTITIONS`" if spec.partitions > 1 else "1"
    settings = " ".join(
        f"`{name}={value}`" for name, value in spec.configs.items() if name != "min.insync.replicas"
    )
    return f"`{spec.name}`", key, partitions, settings


def messages() -> str:
    """The messages of a job topic with their members."""
    rows = (
        (f"`{name}`", _first_line(shape.__doc__), ", ".join(f"`{field}`" for field in _members(shape)))
        for name, shape in LINES.items()
    )
    return _table(("type", "what", "members beside `type`"), rows)


def states() -> str:
    """The table of transitions."""
    rows = (
        (
            f"`{begin}`",
            ", ".join(f"`{end}`" for end in Status if end in ends - {begin}) or "– (the tombstone)",
        )
        for begin, ends in TRANSITIONS.items()
    )
    return _table(("from", "to"), rows)


def fill(page: str, tables: dict[str, str]) -> str:
    """``page`` with each marked place filled. Raises KeyError for a mark without a table."""

    def filled(match: re.Match[str]) -> str:
        return f"{match[1]}\n{tables[match[2]]}{match[3]}"

    return _PLACE.sub(filled, page)


_PLACE = re.compile(r"(<!-- table: ([a-z ]+) -->)\n.*?(<!-- end -->)", re.DOTALL)


def _kinds(base: type[Problem]) -> Iterator[type[Problem]]:
    for kind in base.__subclasses__():
        if kind.__module__ == base.__module__:
            yield kind
            yield from _kinds(kind)


def _title(kind: type[Problem]) -> str:
    return _first_line(kind.__doc__).removesuffix(".")


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0].replace("``", "`")


def _members(shape: type) -> list[str]:
    return [name for name in getattr(shape, "__struct_fields__", ()) if name != "offset"]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
