"""``python -m bench.oracle_binds``: what a container ID of a chunk costs the client, by the way it is given to Oracle.

The ways take turns in one run: IN-lists of 1,000 joined by OR, a collection, a global temporary table, a list as JSON in a CLOB.
The table behind the loopback server is empty but for a row: what is left is giving the IDs. Counted is the processor time of the
client's thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from statistics import median

import oracledb

from catalogue.domain import JSON_LIST
from tests.oracle import OracleServer, serving
from tests.oracle.collections import NAME as COLLECTION

_LIST = 1000
Way = Callable[[oracledb.Connection, Sequence[str]], None]


def lists(connection: oracledb.Connection, ids: Sequence[str]) -> None:
    """Lists joined by OR: every ID a bind of its own."""
    names = [f"c{number}" for number in range(1, len(ids) + 1)]
    parts = [", ".join(f":{name}" for name in names[at : at + _LIST]) for at in range(0, len(ids), _LIST)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ID FROM LOTS WHERE {' OR '.join(f'ID IN ({part})' for part in parts)}",
            dict(zip(names, ids, strict=True)),
        )
        cursor.fetchall()


def collection(connection: oracledb.Connection, ids: Sequence[str]) -> None:
    """A value of Oracle's own collection type, which the driver asks for once a session."""
    given = connection.gettype(COLLECTION).newobject(ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ID FROM LOTS WHERE ID IN (SELECT COLUMN_VALUE FROM TABLE(:ids))", {"ids": given}
        )
        cursor.fetchall()


def table(connection: oracledb.Connection, ids: Sequence[str]) -> None:
    """A global temporary table, filled with one array insert and emptied by the rollback."""
    with connection.cursor() as cursor:
        cursor.setinputsizes(256)
        cursor.executemany("INSERT INTO GIVEN_IDS (ID) VALUES (:1)", [(each,) for each in ids])
        cursor.execute("SELECT ID FROM LOTS WHERE ID IN (SELECT ID FROM GIVEN_IDS)")
        cursor.fetchall()
    connection.rollback()


def json_list(connection: oracledb.Connection, ids: Sequence[str]) -> None:
    """One temporary CLOB; it is freed with the next call."""
    clob = connection.createlob(oracledb.DB_TYPE_CLOB, json.dumps(ids))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ID FROM LOTS WHERE ID IN ({JSON_LIST})", {"ids": clob})
        cursor.fetchall()


WAYS: dict[str, Way] = {
    "OR-ed lists": lists,
    "collection": collection,
    "temporary table": table,
    "JSON list": json_list,
}


def measure(server: OracleServer, counts: Sequence[int], rounds: int) -> None:
    """Prints a line for each way and length."""
    with oracledb.connect(user=server.user, password=server.password, dsn=server.dsn) as connection:
        for count in counts:
            ids = [f"C{number:015}" for number in range(count)]
            taken: dict[str, list[float]] = {name: [] for name in WAYS}
            trips: dict[str, int] = {}
            for turn in range(rounds + 1):
                # Each turn begins with another way.
                for name in (*WAYS, *WAYS)[turn % len(WAYS) :][: len(WAYS)]:
                    calls, begun = server.sessions[1].calls, time.thread_time()
                    WAYS[name](connection, ids)
                    taken[name].append((time.thread_time() - begun) / count * 1e6)
                    trips[name] = server.sessions[1].calls - calls
            for name, (first, *others) in taken.items():
                print(
                    f"{count:>6} IDs  {name:<16} {median(others):5.2f} µs an ID"
                    f" ({first:.2f} the first time), {trips[name]} round trips"
                )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.oracle_binds", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument(
        "--ids", type=int, nargs="+", default=[1000, 5000, 10_000], help="lengths of the list"
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns that count, behind a first one")
    chosen = parser.parse_args()
    with serving() as server:
        assert server.data.duck is not None
        server.data.duck.execute("CREATE TABLE LOTS AS SELECT 'a' AS ID")
        server.data.duck.execute("CREATE TABLE GIVEN_IDS (ID VARCHAR)")
        measure(server, chosen.ids, chosen.rounds)


if __name__ == "__main__":
    main()
