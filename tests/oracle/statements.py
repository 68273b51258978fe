"""Oracle's SQL read by sqlglot: one parse a text, with what sqlglot does not know put aside first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.oracle.binds import Value
from tests.oracle.errors import OracleError

_AS_OF = re.compile(r"\bAS\s+OF\s+SCN\s+(:\w+|\d+)", re.IGNORECASE)
_OPAQUE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|:(\w+)", re.DOTALL)
_JSON_TABLE = re.compile(
    r"\bJSON_TABLE\s*\(\s*(:\w+)\s*,\s*'\$\[\*\]'[^()']*COLUMNS\s*\(\s*ID\s+VARCHAR2\(\d+\)\s+PATH\s+'\$'[^()']*\)\s*\)",
    re.IGNORECASE,
)
"""The texts of a JSON list, as rows with the one column ID."""
_COLLECTION = re.compile(r"\bCOLUMN_VALUE\s+FROM\s+TABLE\s*\(\s*(:\w+)\s*\)", re.IGNORECASE)
"""Those of a bound collection, which is read as a JSON list."""
JSON_IDS = "JSON_IDS"
"""The table function that stands for it in the tree."""
_MOST_EXPRESSIONS = 1000
_NUMBERED = "NUMBERED_BIND_"


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    text: str
    tree: exp.Expr
    """Without AS OF."""
    as_of: str | None
    """The SCN, or the bind that has it, with its colon."""
    binds: tuple[str, ...]
    """Names in the order in which the client sends values: each occurrence, in upper case."""

    @property
    def is_query(self) -> bool:
        return isinstance(self.tree, exp.Query)

    @property
    def tables(self) -> set[str]:
        """Names of the tables read, in upper case, without what WITH names."""
        own = {cte.alias.upper() for cte in self.tree.find_all(exp.CTE)}
        return {table.name.upper() for table in self.tree.find_all(exp.Table) if table.name} - own

    def scn(self, values: Mapping[str, Value]) -> int | None:
        if self.as_of is None:
            return None
        value = values[self.as_of[1:].upper()] if self.as_of.startswith(":") else self.as_of
        if not isinstance(value, (int, str)):
            raise OracleError(8181)
        return int(value)

    def named(self, values: Sequence[Value]) -> dict[str, Value]:
        """Values of one execution by the names of their binds. Raises ORA-01008 if they are not all there."""
        if len(values) != len(self.binds):
            raise OracleError(1008)
        return dict(zip(self.binds, values, strict=True))


@lru_cache(maxsize=512)
def parse(text: str) -> Statement:
    """Raises OracleError for what is no statement, and for an IN-list that Oracle would refuse."""
    binds = tuple(name.upper() for name in _OPAQUE.findall(text) if name)
    as_of = {found.upper() for found in _AS_OF.findall(text)}
    if len(as_of) > 1:
        raise OracleError(3115, "this server reads a statement as of one SCN only")
    # Numbered binds are named: sqlglot does not read (:1, :2).
    bare = _OPAQUE.sub(
        lambda found: f":{_NUMBERED}{found[1]}" if found[1] and found[1].isdigit() else found[0], text
    )
    try:
        known = _COLLECTION.sub(rf"ID FROM {JSON_IDS}(\1)", _JSON_TABLE.sub(rf"{JSON_IDS}(\1)", bare))
        tree = sqlglot.parse_one(_AS_OF.sub(" ", known), read="oracle")
    except SqlglotError as error:
        raise OracleError(900, f"invalid SQL statement ({str(error).splitlines()[0]})") from None
    for names in tree.find_all(exp.In):
        if len(names.expressions) > _MOST_EXPRESSIONS:
            raise OracleError(1795)
    return Statement(text, tree, next(iter(as_of), None), binds)


def bind_name(placeholder: str) -> str:
    """The name under which :meth:`Statement.named` has the value of a placeholder of the tree."""
    return placeholder.upper().removeprefix(_NUMBERED)
