"""``python -m bench.oracle_binds``: what a container ID in a statement costs the client, by the length of the list.

Lists of more than 1,000 are joined by OR. The table behind the loopback server is empty but for a row: what is left is binding.
"""

from __future__ import annotations

import time

import oracledb

from tests.oracle import Table, serving, types

COUNTS = (100, 1000, 5000, 10_000)
_LIST = 1000
_TIMES = 10


def statement(count: int) -> tuple[str, list[str]]:
    """The query of a list of that length, and the names of its binds."""
    names = [f"c{number}" for number in range(1, count + 1)]
    lists = [", ".join(f":{name}" for name in names[at : at + _LIST]) for at in range(0, count, _LIST)]
    return f"SELECT ID FROM LOTS WHERE {' OR '.join(f'ID IN ({each})' for each in lists)}", names


def microseconds(connection: oracledb.Connection, count: int) -> tuple[float, float]:
    """Processor time an ID of the first execution, and of each after it."""
    sql, names = statement(count)
    binds = {name: f"C{number:015}" for number, name in enumerate(names)}
    with connection.cursor() as cursor:
        taken = []
        for _ in range(_TIMES + 1):
            begun = time.thread_time()
            cursor.execute(sql, binds)
            cursor.fetchall()
            taken.append((time.thread_time() - begun) / count * 1e6)
    first, *others = taken
    return first, sum(others) / len(others)


def main() -> None:
    with serving() as server:
        server.data.tables.put("LOTS", Table.of({"ID": types.varchar2(20)}, [("a",)]))
        with oracledb.connect(user=server.user, password=server.password, dsn=server.dsn) as connection:
            for count in COUNTS:
                first, again = microseconds(connection, count)
                print(f"{count:>6} IDs: {first:.2f} µs an ID the first time, {again:.2f} µs from then on")


if __name__ == "__main__":
    main()
