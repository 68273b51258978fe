"""``tracestream demo``: the reference job from submit to replay, everything counted, on this machine.

The job asks for all containers of the demo data, the domains history and materials, and the aggregation msd. Its answer is read
live while it is written, then again as a replay; both are compared with what SQL says about the source.
"""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import ExitStack
from importlib.metadata import version

from tracestream import folders, hints, signals
from tracestream.exits import Exit
from tracestream.memory import peak_memory
from tracestream.reference import ReferenceJob
from tracestream.show import Show, open_show
from tracestream.stack import Plan, Stack, stop_and_say

_LIMIT_HEADROOM = 1000


def demo(arguments: Namespace) -> int:
    data = folders.data_folder(arguments.data_dir)
    show = open_show()
    with ExitStack() as held:
        held.callback(show.close)
        run = held.enter_context(folders.run_folder(data, "demo"))
        plan = Plan(
            data=data,
            run=run,
            kafka=run / "kafka",
            port=arguments.port,
            scale=arguments.scale,
            env={**_limits(arguments.scale), "TRACE_CATALOGUE": ""},
        )
        stack = Stack(plan, show)
        return signals.run(lambda: _play(stack, show, arguments.once), stack.hurry)


def _limits(scale: float) -> dict[str, str]:
    """A larger job than the service takes by default needs its limits raised; settings of the user's own are left alone."""
    from tracestream.data import DemoData  # noqa: PLC0415

    containers = DemoData().scaled(scale).containers + _LIMIT_HEADROOM
    raised = {"TRACE_MAX_CIDS": max(200_000, containers), "TRACE_MAX_BODY": max(64 << 20, 64 * containers)}
    return {name: str(value) for name, value in raised.items() if name not in os.environ}


async def _play(stack: Stack, show: Show, once: bool) -> int:
    try:
        show.title(
            f"Tracestream {version('tracestream')}",
            [
                "Big trace queries as an event log: one Kafka topic a job, replayed over HTTP as NDJSON.",
                f"data  {stack.plan.data}",
                f"logs  {stack.plan.run}",
            ],
        )
        show.heading("Starting the broker, the worker, the processor and the gateway")
        await stack.start()
        good, job_id = await ReferenceJob(stack, show).run()
        _show_memory(stack, show)
        if once:
            show.line("All counts agree." if good else "Something differs: see above.", good=good)
        else:
            show.panel("Try it", _lines_to_try(stack.plan, stack.url, job_id))
            show.line(f"Everything runs on until Ctrl-C. Processes: {_pids(stack)}")
            await signals.until_stopped()
        return Exit.OK if good else Exit.FAILED
    finally:
        await stop_and_say(stack, show)


def _show_memory(stack: Stack, show: Show) -> None:
    peaks = {**stack.peaks(), "this demo (reads and checks)": peak_memory(os.getpid())}
    rows = [(name, f"{peak / 1e6:,.0f} MB") for name, peak in peaks.items()]
    show.table("Peak memory", ("process", "peak"), rows)


def _pids(stack: Stack) -> str:
    return ", ".join(f"{name} {pid}" for name, pid in stack.pids().items())


def _lines_to_try(plan: Plan, url: str, job_id: str) -> list[str]:
    ids, program = hints.ids(1000, plan.scale, plan.data), hints.program()
    job = f"{url}/api/trace/job/{job_id}"
    return [
        f"open {url}/jobs/{job_id}    this job in the page",
        f"open {url}/    the page; {url}/docs    the API",
        "",
        f"curl -s {job}",
        f"curl -sN '{job}/stream' | head -c 1000",
        f"curl -sN '{job}/stream?offset=0&limit=3' | cut -c 1-200",
        f"curl -s '{job}/result?domain=history&offset={int(100_000 * plan.scale)}&limit=2'",
        f"curl -s {url}/api/trace/domains",
        f"{ids} | {program} submit --url {url} --domain history --follow | wc",
        f"{program} tail {job_id} --url {url} > answer.ndjson",
    ]
