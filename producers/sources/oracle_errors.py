"""Oracle's and the driver's errors, told as the source's: what kind it is, the code, and what to do. Pure.

The driver renames some of Oracle's errors (ORA-00028 arrives as DPY-4011), and Oracle wraps some in others (ORA-00604, ORA-12801,
ORA-06512). What is told is the code of the cause, so that it can be looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from producers.sources.protocol import (
    SnapshotLost,
    SourceError,
    SourceFailed,
    SourceTimeout,
    SourceUnavailable,
)


class DriverError(Protocol):
    """What is read of an error of the driver (``oracledb`` puts it first in an exception's ``args``)."""

    code: int
    """Oracle's number, or 0."""
    full_code: str
    message: str
    isrecoverable: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The source's error for a code. ``hint`` is a sentence, or empty where the message says all there is."""

    kind: type[SourceError]
    hint: str = ""


_UNDO = (
    "Raise UNDO_RETENTION (ALTER TABLESPACE … RETENTION GUARANTEE keeps to it) above the time the job takes, "
    "or set TRACE_ORACLE_FLASHBACK=false."
)
_LOGIN = "Check TRACE_ORACLE_USER and TRACE_ORACLE_PASSWORD."
_SERVICE = "Check the service in TRACE_ORACLE_DSN, and that the database is open."
_SESSIONS = "Raise PROCESSES and SESSIONS in the database, or lower TRACE_SOURCE_CONNECTIONS."
SNAPSHOT_GRANT = (
    "Grant SELECT and FLASHBACK on the domain's tables and EXECUTE on DBMS_FLASHBACK, "
    "or set TRACE_ORACLE_FLASHBACK=false."
)
_SQL = "Correct the domain's SQL."
_TEMP = "Raise the temporary tablespace, or choose a smaller chunk_size."

_TABLE: Sequence[tuple[type[SourceError], str, str]] = (
    # Sessions and instances that went away. The driver calls all of these recoverable; the rest of the group it does not know.
    (
        SourceUnavailable,
        "",
        "22 28 31 45 378 600 602 603 609 1012 1041 1043 1089 1092 2396 3113 3114 3122 3135",
    ),
    (SourceUnavailable, "", "12153 12537 12547 12570 12583 27146 28511 56600"),
    (SourceUnavailable, "", "376 1033 1034 1090 1115 12571 12757 16456"),
    (
        SourceUnavailable,
        "",
        "1001 1002 2391 2399 3111 3136 3137 3149 3150 24757 25401 25402 25403 25408 25425",
    ),
    (SourceUnavailable, "", "1013 4020 4021 4061 4065 4068 8103 8176 10632 14403 30006"),
    (SourceUnavailable, _SERVICE, "12514 12521 12526 12527 12528"),
    (
        SourceUnavailable,
        "Check TRACE_ORACLE_DSN, and that the listener runs.",
        "12541 12543 12545 12170 12203 12500",
    ),
    (SourceUnavailable, "", "12152 12157 12518 12525 12535 12536 12560 12606 12608 12609 12637 12805 12850"),
    # Limits.
    (SourceUnavailable, _SESSIONS, "18 20 12516 12519 12520"),
    (SourceUnavailable, _TEMP, "1652 1654 30036"),
    (SourceUnavailable, "", "54 51 60 4030 4031 4036 10387 12801 12827 12853 25228 30930"),
    (SourceTimeout, "Raise timeout_seconds of the domain or choose a smaller chunk_size.", "40 2395 56735"),
    # The past that is no longer there.
    (SnapshotLost, _UNDO, "1555 8180 8181 22924 30052"),
    (SnapshotLost, "The table's definition changed since the job began: submit it again.", "1466"),
    # What only a person can change.
    (SourceFailed, _LOGIN, "1005 1017 1045 28001 28009 1988"),
    (SourceFailed, "Unlock the account: ALTER USER … ACCOUNT UNLOCK.", "28000"),
    (SourceFailed, "The password has expired: set a new one.", "28002"),
    (SourceFailed, SNAPSHOT_GRANT, "1031 6550 41900"),
    (SourceFailed, "Correct the table's name in the domain's SQL, or grant SELECT on it.", "942 980 4043"),
    (SourceFailed, "Correct the column's name in the domain's SQL.", "904 918 960"),
    (
        SourceFailed,
        _SQL,
        "900 903 905 906 907 909 911 920 923 932 933 936 1722 1795 1841 1843 1847 1858 1861 1476 8187",
    ),
    (SourceFailed, _SERVICE, "12154 12504 12505"),
)

_DRIVER: Mapping[str, Known] = {
    "DPY-1001": Known(SourceUnavailable),
    "DPY-4011": Known(SourceUnavailable),
    "DPY-4024": Known(SourceTimeout, "Raise timeout_seconds of the domain or choose a smaller chunk_size."),
    "DPY-4033": Known(SourceUnavailable),
    "DPY-6000": Known(SourceUnavailable, "Check that the listener takes connections."),
    "DPY-6001": Known(SourceUnavailable, _SERVICE),
    "DPY-6003": Known(SourceUnavailable, _SERVICE),
    "DPY-6005": Known(SourceUnavailable, "Check TRACE_ORACLE_DSN, and that the database is up."),
    "DPY-5006": Known(SourceUnavailable),
    "DPY-4000": Known(
        SourceFailed, "Check TRACE_ORACLE_DSN, and TRACE_ORACLE_CONFIG_DIR where it is an alias."
    ),
    "DPY-4001": Known(SourceFailed, _LOGIN),
    "DPY-2049": Known(SourceFailed, "Check TRACE_ORACLE_DSN."),
    "DPY-4017": Known(SourceFailed, "Check TRACE_ORACLE_DSN."),
    "DPY-4018": Known(SourceFailed, "Check TRACE_ORACLE_DSN."),
    "DPY-4026": Known(SourceFailed, "Check TRACE_ORACLE_CONFIG_DIR and TRACE_ORACLE_WALLET."),
    "DPY-4027": Known(SourceFailed, "Set TRACE_ORACLE_CONFIG_DIR."),
    "DPY-2018": Known(SourceFailed, "Check TRACE_ORACLE_WALLET."),
    "DPY-3010": Known(SourceFailed, "Thin mode needs Oracle 12.1 or later: set TRACE_ORACLE_THICK=true."),
    "DPY-3015": Known(
        SourceFailed, "Give the account a newer password verifier, or set TRACE_ORACLE_THICK=true."
    ),
    "DPY-6002": Known(SourceFailed, "The server's certificate is another one than the DSN says."),
    "DPY-6006": Known(SourceFailed, "The server's certificate is another one than the DSN says."),
    "DPI-1047": Known(SourceFailed, "Install Oracle's client libraries, or set TRACE_ORACLE_THICK=false."),
}


def ora(number: int) -> str:
    """The code as Oracle writes it: ``ORA-00942``."""
    return f"ORA-{number:05}"


KNOWN: Mapping[str, Known] = {
    **{ora(int(number)): Known(kind, hint) for kind, hint, numbers in _TABLE for number in numbers.split()},
    **_DRIVER,
}

_CERTIFICATE = Known(
    SourceFailed, "Put the certificate of who signed the server's into the wallet of TRACE_ORACLE_WALLET."
)

_WRAPPERS = frozenset(map(ora, (604, 6512, 12801)))
"""Errors that only say where another one happened."""
_CODE = re.compile(r"^(ORA-\d{5}|DPY-\d{4}|DPI-\d{4}): ")
_SIMILAR = re.compile(r" \(Similar to (ORA-\d{5})\)")
_CONNECTION_ID = re.compile(r" \(CONNECTION_ID=[^)]*\)")
_HIDDEN = "•••"


def translated(
    error: DriverError, *, domain: str = "", at_snapshot: bool = True, secrets: Sequence[str] = ()
) -> SourceError:
    """The source's error for one of the driver's.

    ``domain`` is named in the message. Without a snapshot (``at_snapshot`` false) a query that lost its past may begin anew.
    ``secrets`` are blotted out wherever the message repeats them.
    """
    code, text = _cause(error)
    known = _CERTIFICATE if "CERTIFICATE_VERIFY_FAILED" in text else KNOWN.get(code)
    known = known or Known(SourceUnavailable if error.isrecoverable else SourceFailed)
    kind = known.kind
    if kind is SnapshotLost and not at_snapshot:
        kind = SourceUnavailable
    where = f"Oracle, domain {domain}" if domain else "Oracle"
    message = f"{where}: {code}: {text.rstrip('.')}." if code else f"{where}: {text.rstrip('.')}."
    return kind(redacted(message, secrets), code=code, hint=known.hint)


def redacted(text: str, secrets: Sequence[str]) -> str:
    """``text`` without what must not be told."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _cause(error: DriverError) -> tuple[str, str]:
    """The code of what went wrong first, and what it says, in one line."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    told = [(match[1], line[match.end() :]) for line in lines if (match := _CODE.match(line))]
    causes = [each for each in told if each[0].startswith("ORA-") and each[0] not in _WRAPPERS]
    if causes:
        return causes[0]
    if not told:
        return error.full_code, lines[0] if lines else "an error without a message"
    code, text = told[-1]
    if similar := _SIMILAR.search(text):
        # The listener's answer, which the driver puts into words of its own.
        return similar[1], _SIMILAR.sub("", text)
    text = _CONNECTION_ID.sub("", text)
    rest = [line for line in lines if not _CODE.match(line) and not line.startswith("Help: ")]
    return code, f"{text.rstrip('.')}: {rest[0]}" if rest else text
