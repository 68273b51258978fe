"""Oracle's and the driver's error codes, translated in one place."""

from __future__ import annotations

from producers.sources.protocol import SnapshotLost, SourceError, SourceFailed, SourceUnavailable

_UNAVAILABLE = frozenset(
    f"ORA-{number:05}"
    for number in (
        *(
            18,
            20,
            28,
            1012,
            1013,
            1033,
            1034,
            1089,
            1090,
            1092,
            2391,
            2396,
            2399,
            3113,
            3114,
            3135,
            3136,
            4031,
            4068,
            8103,
        ),
        *(
            12152,
            12153,
            12157,
            12170,
            12514,
            12516,
            12518,
            12519,
            12520,
            12521,
            12526,
            12527,
            12528,
            12537,
            12541,
            12543,
        ),
        *(12545, 12547, 12560, 12571, 12606, 12609, 12637, 25408, 1652, 10387, 12801, 12805),
    )
) | {"DPY-1001", "DPY-4005", "DPY-4011", "DPY-4024", "DPY-6000", "DPY-6001", "DPY-6003", "DPY-6005"}
"""Codes after which another try may succeed: no connection, restart, limits of sessions or memory, a query that was cancelled."""

_LOST = frozenset({"ORA-01555", "ORA-08180", "ORA-08181", "ORA-01466", "ORA-30052", "ORA-22924"})

_HINTS = {
    "ORA-00904": "Correct the column's name in the domain's SQL.",
    "ORA-00942": "Correct the table's name in the domain's SQL, or grant SELECT on it to TRACE_ORACLE_USER.",
    "ORA-01017": "Check TRACE_ORACLE_USER and TRACE_ORACLE_PASSWORD.",
    "ORA-01031": "Grant FLASHBACK on the tables and EXECUTE on DBMS_FLASHBACK, or set TRACE_ORACLE_FLASHBACK=false.",
    "ORA-01466": "The table's definition changed since the job began: submit it again.",
    "ORA-01555": "Raise UNDO_RETENTION, or set TRACE_ORACLE_FLASHBACK=false.",
    "ORA-08180": "Raise UNDO_RETENTION, or set TRACE_ORACLE_FLASHBACK=false.",
    "ORA-12514": "Check the service's name in TRACE_ORACLE_DSN.",
    "DPY-4000": "Check TRACE_ORACLE_DSN.",
    "DPY-6001": "Check the service's name in TRACE_ORACLE_DSN.",
    "DPY-6005": "Check TRACE_ORACLE_DSN and that the database is up.",
}


def translated(code: str, message: str) -> SourceError:
    """The source's error for a driver's error of that code (``ORA-00942``, ``DPY-6005``)."""
    kind = SnapshotLost if code in _LOST else SourceUnavailable if code in _UNAVAILABLE else SourceFailed
    return kind(
        f"Oracle: {message.splitlines()[0] if message else code}.", code=code, hint=_HINTS.get(code, "")
    )
