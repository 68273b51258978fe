"""The command line: every subcommand, its options and its help. Argparse does the parsing, the words are ours."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracestream.exits import table

_DESCRIPTION = """\
Answers big trace queries as an event log: one Kafka topic a job, read over HTTP as NDJSON,
resumable at any offset.

to try it:
  demo        everything on this machine, the reference job, checked by count
  up          everything on this machine, until Ctrl-C

to ask:
  submit      start a job for a list of container IDs
  status      one job's state, or the newest jobs
  tail        a job's log as NDJSON, to the end, through broken connections
  cancel      stop jobs; what they wrote stays readable
  delete      stop jobs and remove their logs

to run:
  worker      reads the database and writes the jobs' logs
  processor   folds the logs into aggregations
  gateway     serves the logs over HTTP
  kafka       the embedded broker alone
  data        the demo data
  oracle      looks whether Oracle answers as it must
  settings    the environment variables, what they are set to and what they mean
"""

_EPILOG = """\
exit codes:
{codes}

Settings come from the environment (TRACE_*); `tracestream settings` explains each.
`tracestream COMMAND --help` has examples.
"""

Parser = argparse.ArgumentParser


def parser() -> Parser:
    """The parser of the whole command line. A parsed line has ``command``, "module:function" inside this package."""
    top = Parser(
        prog="tracestream",
        usage="tracestream [--version] COMMAND …",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(codes=table()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(
        prog="tracestream", metavar="COMMAND", required=True, help=argparse.SUPPRESS
    )
    for add in (
        _demo,
        _up,
        _submit,
        _status,
        _tail,
        _cancel,
        _delete,
        _services,
        _kafka,
        _data,
        _oracle,
        _settings,
    ):
        add(commands)
    return top


class _Version(argparse.Action):
    def __call__(self, parser: Parser, *_: Any, **__: Any) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - it costs more than all the rest

        print(f"tracestream {version('tracestream')}")  # noqa: T201
        parser.exit()


def _command(commands: Any, name: str, run: str, description: str, examples: str = "") -> Parser:
    made: Parser = commands.add_parser(
        name,
        help=description.replace("\n", " ").partition(": ")[0].partition(". ")[0].rstrip("."),
        description=description,
        epilog=f"examples:\n{examples}" if examples else "",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(command=run)
    return made


def _demo(commands: Any) -> None:
    command = _command(
        commands,
        "demo",
        "demo:demo",
        "Starts everything on this machine, runs the reference job (114,892 containers), reads its\n"
        "answer live and again as a replay, checks both against SQL, and stays up until Ctrl-C.",
        "  tracestream demo\n  tracestream demo --once --scale 0.01     a quick check; exit code 1 if a count is wrong",
    )
    command.add_argument("--once", action="store_true", help="end by itself when all is checked")
    command.add_argument("--scale", type=_positive, default=1.0, help="size of the demo data (default 1)")
    _local(command)


def _up(commands: Any) -> None:
    command = _command(
        commands,
        "up",
        "up:up",
        "Starts the embedded broker, workers, the processor and the gateway on this machine,\n"
        "restarts what dies, and stops all of them at Ctrl-C. Jobs survive from one `up` to the next.",
        "  tracestream up\n  tracestream up --workers 2 --port 9000 --data-dir /srv/trace",
    )
    command.add_argument("--workers", type=_count, default=1, help="worker processes (default 1)")
    command.add_argument(
        "--scale", type=_positive, default=1.0, help="size of the demo data, where it is made (default 1)"
    )
    _local(command)


def _local(command: Parser) -> None:
    command.add_argument(
        "--port", type=_port, help="HTTP port (default 8080, or the next free one if that is taken)"
    )
    command.add_argument("--data-dir", type=Path, help="where files are kept (default: TRACE_DATA_DIR)")


def _submit(commands: Any) -> None:
    command = _command(
        commands,
        "submit",
        "submit:submit",
        "Starts a job and prints its id. Container IDs come from FILE or standard input: one a line,\n"
        "or a JSON array of strings.",
        "  tracestream submit ids.txt --domain history --domain materials --aggregation msd\n"
        "  tracestream data ids --limit 1000 | tracestream submit --domain history --follow > answer.ndjson\n"
        '  job=$(tracestream submit ids.json --domain history) && tracestream tail "$job"',
    )
    command.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="container IDs; - is standard input (default)"
    )
    command.add_argument(
        "--domain", action="append", required=True, dest="domains", metavar="NAME", help="repeatable"
    )
    command.add_argument("--aggregation", metavar="NAME", help="also fold the answer, for example msd")
    command.add_argument("--batch-size", type=_count, metavar="N", help="records a message at most")
    command.add_argument(
        "--ttl", type=_count, metavar="SECONDS", help="how long the answer is kept after its end"
    )
    command.add_argument(
        "--idempotency-key",
        metavar="KEY",
        help="the same key and request name the same job (default: a new one)",
    )
    ending = command.add_mutually_exclusive_group()
    ending.add_argument("--wait", action="store_true", help="wait for the end; exit code 1 unless complete")
    ending.add_argument(
        "--follow", action="store_true", help="write the answer to standard output as it comes"
    )
    _remote(command, json=True)


def _status(commands: Any) -> None:
    command = _command(
        commands,
        "status",
        "jobs:status",
        "Prints one job's state, or a line for each of the newest jobs.",
        "  tracestream status\n  tracestream status JOB --json | jq .progress",
    )
    command.add_argument("job", nargs="?", metavar="JOB")
    command.add_argument("--limit", type=_count, default=20, help="jobs to list (default 20, at most 100)")
    command.add_argument(
        "--only", metavar="STATUS", help="list jobs in this status: queued, running, complete, …"
    )
    command.add_argument("--wait", action="store_true", help="wait for the end; exit code 1 unless complete")
    _remote(command, json=True)


def _tail(commands: Any) -> None:
    command = _command(
        commands,
        "tail",
        "tail_command:tail",
        "Writes a job's log to standard output as NDJSON, line by line as the gateway sends it, until its\n"
        "last message. After a broken connection it resumes behind the last complete line by itself.\n"
        "Exit code 0 when the job completed, 1 when it failed or was cancelled.",
        "  tracestream tail JOB > answer.ndjson\n"
        "  tracestream tail JOB --offset 1200        from offset 1200 on\n"
        "  tracestream tail JOB | jq -c 'select(.type==\"records\") | .data[]'",
    )
    command.add_argument("job", metavar="JOB")
    command.add_argument(
        "--offset", type=_whole, default=0, metavar="N", help="begin at this offset (default 0)"
    )
    command.add_argument("--limit", type=_count, metavar="K", help="end after K lines")
    _remote(command)


def _cancel(commands: Any) -> None:
    text = "Cancels jobs. What they have written stays readable until it expires."
    command = _command(commands, "cancel", "jobs:cancel", text)
    command.add_argument("jobs", nargs="+", metavar="JOB")
    _remote(command, json=True)


def _delete(commands: Any) -> None:
    text = "Cancels jobs if need be and removes their logs."
    command = _command(commands, "delete", "jobs:delete", text)
    command.add_argument("jobs", nargs="+", metavar="JOB")
    _remote(command)


def _remote(command: Parser, *, json: bool = False) -> None:
    command.add_argument("--url", help="the gateway (default: TRACE_URL, else http://127.0.0.1:8080)")
    command.add_argument(
        "--patience",
        type=_positive,
        default=120.0,
        metavar="SECONDS",
        help="how long to go on trying when nothing comes through (default 120)",
    )
    if json:
        command.add_argument("--json", action="store_true", help="print the gateway's JSON")


def _services(commands: Any) -> None:
    for name, text in (
        ("worker", "Runs a producer worker: admits jobs, reads the database, writes the jobs' logs."),
        ("processor", "Runs a processor: folds jobs' logs into aggregations."),
        ("gateway", "Runs a gateway: serves the jobs' logs over HTTP."),
    ):
        _command(
            commands,
            name,
            f"services:{name}",
            f"{text}\nAll settings come from the environment. SIGTERM drains within 10 s.",
        )


def _kafka(commands: Any) -> None:
    group = commands.add_parser("kafka", description="The embedded broker alone.")
    actions = group.add_subparsers(metavar="ACTION", required=True)
    run = _command(
        actions,
        "run",
        "kafka_command:run",
        "Runs Apache Kafka on this machine until Ctrl-C and prints its bootstrap address.",
        "  tracestream kafka run --port 9092",
    )
    run.add_argument("--port", type=_port, help="its port (default: a free one)")
    run.add_argument("--data-dir", type=Path, help="where it keeps its files (default: a temporary folder)")
    _command(actions, "download", "kafka_command:download", "Loads the broker's jars into the cache.")
    where = _command(
        actions, "bootstrap", "kafka_command:bootstrap", "Prints the bootstrap address of a running `up`."
    )
    where.add_argument("--data-dir", type=Path, help="the data folder of that `up` (default: TRACE_DATA_DIR)")


def _data(commands: Any) -> None:
    group = commands.add_parser("data", description="The demo data: a plant's tables in a DuckDB file.")
    actions = group.add_subparsers(metavar="ACTION", required=True)
    make = _command(
        actions, "make", "data_command:make", "Makes the demo data where it is missing, and prints its file."
    )
    ids = _command(
        actions,
        "ids",
        "data_command:ids",
        "Prints the container IDs of the demo data, one a line.",
        "  tracestream data ids --limit 500 | tracestream submit --domain history --wait",
    )
    load = _command(
        actions,
        "load",
        "oracle_load:load",
        "Loads the demo data into Oracle's tables (deploy/oracle), for the composed deployment.",
    )
    ids.add_argument("--limit", type=_count, metavar="N", help="only the first N")
    for command in (make, ids, load):
        command.add_argument("--scale", type=_positive, default=1.0, help="1 is the reference set (default)")
        command.add_argument("--data-dir", type=Path, help="where files are kept (default: TRACE_DATA_DIR)")


def _oracle(commands: Any) -> None:
    group = commands.add_parser("oracle", description="The database that TRACE_ORACLE_DSN names.")
    actions = group.add_subparsers(metavar="ACTION", required=True)
    check = _command(
        actions,
        "check",
        "oracle_check:run",
        "Connects to Oracle and looks at what a job needs: version, account, grants, character set,\n"
        "flashback, each domain's columns and plan, and the time of one chunk. Changes nothing.\n"
        "Exit code 1 when something a job needs does not work, 3 when Oracle cannot be reached.",
        "  tracestream oracle check\n  tracestream oracle check --ids ids.txt --verbose",
    )
    check.add_argument(
        "--ids", type=Path, metavar="FILE", help="container IDs, one a line, to time a chunk with"
    )
    check.add_argument("--verbose", action="store_true", help="also list grants, columns and plans")


def _settings(commands: Any) -> None:
    text = "Explains every setting and shows what it is set to. Exit code 2 when one cannot be used."
    command = _command(commands, "settings", "show_settings:show", text)
    command.add_argument("--markdown", action="store_true", help="print docs/settings.md instead")


def _number(convert: Callable[[str], Any], low: float, high: float, wanted: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return value

    return parse


_positive = _number(float, 1e-9, 1e9, "a number above 0")
_count = _number(int, 1, 2**31, "a whole number above 0")
_whole = _number(int, 0, 2**63, "a whole number from 0")
_port = _number(int, 1, 65535, "a port")
