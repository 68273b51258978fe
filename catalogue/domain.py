"""A domain: one named query of the catalogue. Pure: texts in, a checked :class:`Domain` out.

The SQL is a template of a single SELECT with two placeholders:

- ``{{ids}}``, at least once and always as ``IN ({{ids}})``: the container IDs of a chunk, on Oracle as named binds
  ``:c1, :c2, …`` or, above 1,000, as a query of the one bind ``:ids``; on DuckDB as texts;
- ``{{as_of}}``, behind a table's name and before its alias: the snapshot all chunks of a job are read from.
  It is ``AS OF SCN :scn`` on Oracle with flashback and nothing elsewhere.

A placeholder inside a comment, a text or a quoted name, a bind of the query's own and a semicolon are refused: each would fail only
at the first job. Named binds, because positional ones (``IN (:1, :2)``) cannot be read by SQL tools.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MAX_IN_LIST = 1000
"""Oracle's limit of an IN-list (ORA-01795)."""
MAX_CHUNK_SIZE = 10_000
"""A chunk is the unit of retry and of the checkpoint: what it would read again after a failure has to stay small."""

SCN_BIND = "scn"
IDS_BIND = "ids"
JSON_LIST = (
    f"SELECT given.id FROM JSON_TABLE(:{IDS_BIND}, '$[*]' ERROR ON ERROR"  # noqa: S608 - a bind's name
    " COLUMNS (id VARCHAR2(1024) PATH '$' ERROR ON ERROR)) given"
)
"""The container IDs of a JSON array that is bound as a CLOB. Without ERROR ON ERROR an ID could be left out silently."""
IDS = "{{ids}}"
AS_OF = "{{as_of}}"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_OPAQUE = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | "[^"]*"
      | q'\[.*?\]' | q'\{.*?\}' | q'\(.*?\)' | q'<.*?>' | q'([^\s\[{(<]).*?\1' | '(?:[^']|'')*' """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_IDS_IN_PLACE = re.compile(r"\bIN\s*\(\s*\{\{ids\}\}\s*\)", re.IGNORECASE)
_AS_OF_IN_PLACE = re.compile(r"(?<![\w$#\".@])(?!(?:FROM|JOIN)\b)[\w$#\".@]+\s+\{\{as_of\}\}", re.IGNORECASE)
_OWN_BIND = re.compile(r"(?<![:\w]):\w+|(?<![\w$])\$\w+|\?")


class CatalogueError(ValueError):
    """A catalogue that does not hold together: ``file`` names the file or folder at fault, ``reason`` what to change."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between databases in the rendered statement."""

    ids: Callable[[Sequence[str]], str]
    """What stands in the IN-list for these container IDs."""
    as_of: str


def bind_names(count: int) -> list[str]:
    """The names of Oracle's binds of ``count`` container IDs: c1, c2, …"""
    return [f"c{number}" for number in range(1, count + 1)]


def _bound(ids: Sequence[str]) -> str:
    return ", ".join(map(":{}".format, bind_names(len(ids)))) if len(ids) <= MAX_IN_LIST else JSON_LIST


def _literals(ids: Sequence[str]) -> str:
    # In a standard SQL text the quote is the only character with a meaning. An empty list would be a syntax error.
    return ", ".join("'" + id.replace("'", "''") + "'" for id in ids) or "NULL"


ORACLE = Dialect(_bound, f"AS OF SCN :{SCN_BIND}")
ORACLE_WITHOUT_FLASHBACK = Dialect(_bound, "")
DUCKDB = Dialect(_literals, "")
"""Literals: only then does DuckDB skip the row groups that hold none of the IDs, and 1,000 binds cost it 30 ms."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One query and its settings; made by :func:`parse_domain`."""

    name: str
    description: str
    container_column: str
    """The column of the result that holds the container ID, spelled as the database names it."""
    sql: str
    chunk_size: int = MAX_IN_LIST
    timeout_seconds: float | None = None
    """How long one chunk may take; None leaves it to the worker's setting."""

    def render(self, dialect: Dialect, ids: Sequence[str]) -> str:
        """The statement for these container IDs. For Oracle it depends on their number alone, so that plans are reused."""
        return self.sql.replace(IDS, dialect.ids(ids)).replace(AS_OF, dialect.as_of)


def parse_domain(name: str, sql: str, settings: str) -> Domain:
    """A domain from the texts of ``<name>.sql`` and ``<name>.toml``.

    Raises CatalogueError when the name, the template or a setting is not in order.
    """
    if not _NAME.fullmatch(name):
        raise CatalogueError(
            f"{name}.sql",
            "a domain's name is a lower-case letter, then up to 31 lower-case letters, digits or underscores",
        )
    statement = sql.strip()
    _check_statement(f"{name}.sql", statement)
    return _Settings(f"{name}.toml", settings).domain(name, statement)


def _check_statement(file: str, statement: str) -> None:
    for match in _OPAQUE.finditer(statement):
        if "{{" in match[0]:
            raise CatalogueError(
                file, "a placeholder inside a comment, a text or a quoted name would not be filled in"
            )
    code = _OPAQUE.sub(lambda match: '"' if match[0][0] == '"' else " ", statement)
    if not re.match(r"\s*(SELECT|WITH)\b", code, re.IGNORECASE):
        raise CatalogueError(file, "the file must hold one statement that begins with SELECT or WITH")
    if ";" in code:
        raise CatalogueError(
            file, "a semicolon: the file must hold one statement, without a closing semicolon"
        )
    for placeholder in _PLACEHOLDER.findall(code):
        if placeholder not in (IDS, AS_OF):
            raise CatalogueError(file, f"unknown placeholder {placeholder}; there are {IDS} and {AS_OF}")
    if IDS not in code:
        raise CatalogueError(file, f"no {IDS}: the query must choose its rows by container ID, as IN ({IDS})")
    if len(_IDS_IN_PLACE.findall(code)) != code.count(IDS):
        raise CatalogueError(file, f"{IDS} must stand as IN ({IDS}), alone in the parentheses")
    if len(_AS_OF_IN_PLACE.findall(code)) != code.count(AS_OF):
        raise CatalogueError(file, f"{AS_OF} must stand behind a table's name, before its alias")
    bare = _PLACEHOLDER.sub(" ", code)
    if "{{" in bare or "}}" in bare:
        raise CatalogueError(file, "a placeholder is not closed: it is written {{name}}")
    if own := _OWN_BIND.search(bare):
        raise CatalogueError(
            file,
            f"a bind of its own ({own[0]}): nothing would fill it in; only {IDS} and {AS_OF} are filled in",
        )


class _Settings:
    """The checked reading of one TOML file."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        try:
            self._values: Mapping[str, object] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise CatalogueError(file, f"not valid TOML: {error}") from None

    def domain(self, name: str, statement: str) -> Domain:
        known = ("description", "container_id", "chunk_size", "timeout_seconds")
        for key in self._values:
            if key not in known:
                raise CatalogueError(self._file, f"unknown setting {key!r}; there are {', '.join(known)}")
        chunk_size = self._number("chunk_size", MAX_IN_LIST, whole=True)
        if chunk_size > MAX_CHUNK_SIZE:
            raise CatalogueError(self._file, f"chunk_size is at most {MAX_CHUNK_SIZE}")
        timeout = self._number("timeout_seconds", 0.0) if "timeout_seconds" in self._values else None
        return Domain(
            name=name,
            description=self._text("description"),
            container_column=self._text("container_id"),
            sql=statement,
            chunk_size=int(chunk_size),
            timeout_seconds=timeout,
        )

    def _text(self, key: str) -> str:
        value = self._values.get(key)
        if value is None:
            raise CatalogueError(self._file, f"{key} is missing")
        if not isinstance(value, str) or not value.strip():
            raise CatalogueError(self._file, f"{key} must be a text that is not empty")
        return value.strip()

    def _number(self, key: str, default: float, *, whole: bool = False) -> float:
        value = self._values.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int if whole else (int, float))
            or not 0 < value < 1e9
        ):
            raise CatalogueError(self._file, f"{key} must be a {'whole ' if whole else ''}number above 0")
        return value
