"""Which error means what, and what is told of it."""

from __future__ import annotations

import pytest
from oracledb import errors as driver

from producers.sources.oracle_errors import KNOWN, ora, redacted, translated
from producers.sources.protocol import (
    SnapshotLost,
    SourceError,
    SourceFailed,
    SourceTimeout,
    SourceUnavailable,
)


def an_error(message: str, code: int = 0) -> SourceError:
    """What becomes of an error as the driver itself makes it."""
    return translated(driver._Error(message, code=code), domain="history")


def of(number: int, text: str = "something") -> SourceError:
    return an_error(f"{ora(number)}: {text}", number)


CLASSES: list[tuple[int, type[SourceError]]] = [
    (942, SourceFailed),
    (1017, SourceFailed),
    (1795, SourceFailed),
    (1555, SnapshotLost),
    (8180, SnapshotLost),
    (1466, SnapshotLost),
    (28, SourceUnavailable),
    (600, SourceUnavailable),
    (1013, SourceUnavailable),
    (3113, SourceUnavailable),
    (18, SourceUnavailable),
    (12514, SourceUnavailable),
    (1652, SourceUnavailable),
    (40, SourceTimeout),
    (20001, SourceFailed),
]


@pytest.mark.parametrize(("number", "kind"), CLASSES)
def test_a_code_says_whether_another_try_may_succeed(number: int, kind: type[SourceError]) -> None:
    error = of(number)
    assert type(error) is kind
    assert error.code == ora(number)
    assert str(error).startswith(f"Oracle, domain history: {ora(number)}: something.")


def test_every_error_that_the_driver_calls_recoverable_is_in_our_table_as_retryable() -> None:
    closed = [n for n, to in driver.ERR_ORACLE_ERROR_XREF.items() if to == driver.ERR_CONNECTION_CLOSED]
    recoverable = {*driver.ERR_RECOVERABLE_ERROR_CODES, *closed}
    assert len(recoverable) > 30
    for number in recoverable:
        assert driver._Error(f"{ora(number)}: x", code=number).isrecoverable
        assert KNOWN[ora(number)].kind.retryable, number


def test_every_error_that_the_driver_calls_operational_has_been_thought_of() -> None:
    # ORA-00604 only says that another error happened inside.
    assert {n for n in driver.ERR_OPERATIONAL_ERROR_CODES if ora(n) not in KNOWN} == {604}


TRANSPARENT_FAILOVER = "3113 3114 1089 1033 1034 1090 1092 12514 12541 12543 12545 12560 12528 12535 12537 12547 12571 25408 3135"
"""Errors after which Oracle's own documentation of application failover lets a client connect again."""


@pytest.mark.parametrize("number", [int(number) for number in TRANSPARENT_FAILOVER.split()])
def test_what_oracle_documents_as_worth_a_reconnect_is_retryable(number: int) -> None:
    assert KNOWN[ora(number)].kind.retryable


@pytest.mark.parametrize("code", KNOWN)
def test_what_only_a_person_can_change_comes_with_a_hint(code: str) -> None:
    known = KNOWN[code]
    assert known.kind.retryable or known.hint
    assert not known.hint or known.hint.endswith(".")


def test_an_error_that_the_driver_renames_is_told_by_oracles_code() -> None:
    error = of(28, "your session has been killed")
    assert error.code == "ORA-00028"
    assert str(error) == "Oracle, domain history: ORA-00028: your session has been killed."


@pytest.mark.parametrize(
    "message",
    [
        "ORA-12801: error signaled in parallel query server P001\nORA-01555: snapshot too old",
        "ORA-00604: error occurred at recursive SQL level 1\nORA-01555: snapshot too old",
        "ORA-01555: snapshot too old\nORA-06512: at line 1",
    ],
)
def test_the_cause_is_told_and_not_where_it_happened(message: str) -> None:
    error = an_error(message, int(message[4:9]))
    assert isinstance(error, SnapshotLost)
    assert error.code == "ORA-01555"
    assert "UNDO_RETENTION" in error.hint


def test_a_wrapper_without_a_cause_is_told_itself() -> None:
    assert of(12801).code == "ORA-12801"


def test_a_refusal_of_the_listener_is_told_by_oracles_code() -> None:
    message = (
        "DPY-6005: cannot connect to database (CONNECTION_ID=abc==).\n"
        'DPY-6001: Service "x" is not registered with the listener at host "h" port 1. (Similar to ORA-12514)'
    )
    error = an_error(message)
    assert error.code == "ORA-12514"
    assert isinstance(error, SourceUnavailable)
    assert "Service" in str(error)
    assert "Similar" not in str(error)


def test_why_no_connection_came_about_is_told_without_its_number() -> None:
    error = an_error(
        "DPY-6005: cannot connect to database (CONNECTION_ID=a).\n[Errno 111] Connection refused"
    )
    assert error.code == "DPY-6005"
    assert "cannot connect to database: [Errno 111] Connection refused." in str(error)
    assert "CONNECTION_ID" not in str(error)


def test_the_address_of_a_help_page_is_left_out() -> None:
    assert "http" not in str(of(942, "table or view does not exist"))


def test_a_query_without_a_snapshot_may_begin_anew_when_it_lost_its_past() -> None:
    error = translated(driver._Error("ORA-01555: snapshot too old", code=1555), at_snapshot=False)
    assert isinstance(error, SourceUnavailable)


def test_an_unknown_error_is_retryable_if_the_driver_says_so() -> None:
    unknown = driver._Error("ORA-99999: x", code=99999)
    assert not translated(unknown).retryable
    unknown.isrecoverable = True
    assert translated(unknown).retryable


def test_an_error_without_a_message_is_told_all_the_same() -> None:
    assert str(an_error("")) == "Oracle, domain history: an error without a message."


def test_what_must_not_be_told_is_blotted_out() -> None:
    assert redacted("DPY-4018: tiger2 and tiger", ("tiger", "tiger2", "")) == "DPY-4018: ••• and •••"
