"""Faults on command: what shall go wrong, and when.

A fault waits for the first call it fits, strikes, and is used up after ``times`` calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import TypedDict, Unpack

from tests.oracle.errors import OracleError


class What(Enum):
    DELAY = "delay"
    """The answer comes later."""
    STALL = "stall"
    """No answer comes until the client breaks the call."""
    DEAF = "deaf"
    """No answer comes, and a break is not answered either."""
    CUT = "cut"
    """The connection is closed without a word."""
    FAIL = "fail"
    """The call ends with an error, after which the server hangs up if the error is a fatal one."""


@dataclass(slots=True)
class Fault:
    what: What
    call: str = "any"
    """``connect``, ``logon``, ``execute``, ``fetch``, ``lob``, ``ping``, ``commit``, ``rollback`` or any of them."""
    statement: re.Pattern[str] | None = None
    """Only calls of a statement in which this is found."""
    session: int | None = None
    """Only calls of the session of that number; the first to log on is 1."""
    rows: int | None = None
    """Strike when that many rows of the result have been sent; None: before anything is done."""
    after: int = 0
    """Calls that it fits and lets pass first."""
    times: float = 1
    seconds: float = 0.0
    error: OracleError | None = None
    struck: int = field(default=0, init=False)
    """How often it has struck."""
    passed: int = field(default=0, init=False)

    def fits(self, call: str, sql: str, session: int) -> bool:
        if self.struck >= self.times or self.call not in ("any", call) or self.session not in (None, session):
            return False
        return self.statement is None or self.statement.search(sql) is not None


class When(TypedDict, total=False):
    """When a fault strikes: members of Fault; ``statement`` is a regular expression, without regard to case."""

    call: str
    statement: str
    session: int
    rows: int
    after: int
    times: float


class Faults:
    """The faults of a server. Everything here may be called from another thread."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def delay(self, seconds: float, **when: Unpack[When]) -> Fault:
        return self._add(Fault(What.DELAY, seconds=seconds), when)

    def stall(self, **when: Unpack[When]) -> Fault:
        return self._add(Fault(What.STALL), when)

    def deaf(self, **when: Unpack[When]) -> Fault:
        return self._add(Fault(What.DEAF), when)

    def cut(self, **when: Unpack[When]) -> Fault:
        return self._add(Fault(What.CUT), when)

    def fail(self, code: int, text: str | None = None, **when: Unpack[When]) -> Fault:
        """The call ends with ORA-``code``; 28, 3113 and the like end the session too."""
        return self._add(Fault(What.FAIL, error=OracleError(code, text)), when)

    def refuse(self, code: int = 12514, *, times: float = inf) -> Fault:
        """The listener refuses connections."""
        return self.fail(code, call="connect", times=times)

    def _add(self, fault: Fault, when: When) -> Fault:
        statement = when.get("statement")
        fault.statement = None if statement is None else re.compile(statement, re.IGNORECASE | re.DOTALL)
        fault.call, fault.rows = when.get("call", "any"), when.get("rows")
        fault.session = when.get("session")
        fault.after = when.get("after", 0)
        fault.times = when.get("times", 1)
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    @contextmanager
    def during(self, fault: Fault) -> Iterator[Fault]:
        """Take the fault away at the end of the block, whether or not it has struck."""
        try:
            yield fault
        finally:
            if fault in self._waiting:
                self._waiting.remove(fault)

    def before(self, call: str, sql: str = "", session: int = 0) -> Fault | None:
        """The fault that strikes this call before anything is done."""
        return self._strike(fault for fault in self._fitting(call, sql, session) if fault.rows is None)

    def within(self, call: str, sql: str, session: int, first: int, last: int) -> Fault | None:
        """The fault that strikes while rows ``first`` to ``last`` (excluded) of the result are sent."""
        fitting = self._fitting(call, sql, session)
        return self._strike(
            fault for fault in fitting if fault.rows is not None and first <= fault.rows < last
        )

    def _fitting(self, call: str, sql: str, session: int) -> Iterator[Fault]:
        return (fault for fault in list(self._waiting) if fault.fits(call, sql, session))

    @staticmethod
    def _strike(fitting: Iterator[Fault]) -> Fault | None:
        for fault in fitting:
            if fault.passed < fault.after:
                fault.passed += 1
                continue
            fault.struck += 1
            return fault
        return None
