"""What the person in front of ``up`` and ``demo`` sees: bars and panels in a terminal, plain lines in a log.

Rules: the program says what happens through a :class:`Show` and never prints itself; text passed in is plain, never markup.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from tracestream.output import say

_PLAIN_EVERY = 5.0
"""Seconds between two lines of one bar where there is no terminal."""


class Bar(Protocol):
    """The progress of one thing. ``total`` None: not known yet."""

    def update(self, done: float, total: float | None = None, note: str = "") -> None: ...

    def finish(self, note: str = "") -> None: ...


class Show(Protocol):
    """Everything that is said."""

    def title(self, name: str, lines: Sequence[str]) -> None: ...

    def heading(self, text: str) -> None: ...

    def line(self, text: str, *, good: bool | None = None) -> None: ...

    def bar(self, name: str, unit: str, total: float | None = None) -> Bar: ...

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None: ...

    def panel(self, title: str, lines: Sequence[str]) -> None: ...

    def close(self) -> None: ...


def amount(value: float, unit: str) -> str:
    """A number of ``unit`` for people: bytes in MB, everything else with thousands separated."""
    if unit == "bytes":
        return f"{value / 1e6:,.1f} MB" if value < 1e9 else f"{value / 1e9:,.2f} GB"
    return f"{value:,.0f} {unit}"


def amounts(done: float, total: float | None, unit: str) -> str:
    """``done`` of ``total``, the unit named once."""
    if total is None:
        return amount(done, unit)
    return f"{amount(done, unit).removesuffix(f' {unit}')} of {amount(total, unit)}"


def open_show() -> Show:
    """Bars where standard output is a terminal, lines elsewhere."""
    return TerminalShow(Console(highlight=False)) if sys.stdout.isatty() else PlainShow()


class _Amounts(ProgressColumn):
    """``done of total unit``, right-aligned."""

    def render(self, task: Task) -> Text:
        total = None if task.finished else task.total
        return Text(amounts(task.completed, total, str(task.fields["unit"])), style="cyan", justify="right")


class TerminalShow:
    """For a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._open = 0

    def title(self, name: str, lines: Sequence[str]) -> None:
        self._console.print()
        text = Text("\n".join(lines))
        self._console.print(
            Panel(text, title=Text(name, style="bold"), box=box.ROUNDED, border_style="blue", expand=False)
        )

    def heading(self, text: str) -> None:
        self._end_bars()
        self._console.print()
        self._console.print(Text(text, style="bold"))

    def line(self, text: str, *, good: bool | None = None) -> None:
        mark, style = {None: ("·", "dim"), True: ("✓", "green"), False: ("✗", "bold red")}[good]
        console = self._progress.console if self._progress else self._console
        console.print(Text.assemble(("  " + mark + " ", style), (text, "red" if good is False else "")))

    def bar(self, name: str, unit: str, total: float | None = None) -> Bar:
        if self._progress is None:
            self._progress = Progress(
                TextColumn("  {task.description}", style="default"),
                BarColumn(bar_width=28),
                _Amounts(table_column=Column(min_width=27, justify="right")),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}", style="dim", markup=False),
                console=self._console,
            )
            self._progress.start()
        self._open += 1
        task = self._progress.add_task(f"{name:<18}", total=total, unit=unit, note="")
        return _TerminalBar(self, self._progress, task)

    def finished(self) -> None:
        """One bar is full; with the last one the block of bars is left standing."""
        self._open -= 1
        if self._open == 0:
            self._end_bars()

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._end_bars()
        table = Table(
            box=box.SIMPLE_HEAD, pad_edge=False, title=Text(title), title_justify="left", title_style="bold"
        )
        for index, column in enumerate(columns):
            table.add_column(Text(column), justify="right" if index else "left", no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print()
        self._console.print(Group(table))

    def panel(self, title: str, lines: Sequence[str]) -> None:
        self._end_bars()
        body = Text("\n".join(lines), no_wrap=True, overflow="ignore")
        self._console.print()
        self._console.print(
            Panel(body, title=Text(title, style="bold"), box=box.ROUNDED, border_style="green", expand=False)
        )

    def close(self) -> None:
        self._end_bars()

    def _end_bars(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._open = 0


class _TerminalBar:
    def __init__(self, show: TerminalShow, progress: Progress, task: TaskID) -> None:
        self._show = show
        self._progress = progress
        self._task = task
        self._done = False

    def update(self, done: float, total: float | None = None, note: str = "") -> None:
        self._progress.update(self._task, completed=done, total=total, note=note)

    def finish(self, note: str = "") -> None:
        if not self._done:
            self._done = True
            task = self._progress.tasks[self._progress.task_ids.index(self._task)]
            full = task.completed or 1
            self._progress.update(self._task, total=full, completed=full, note=note or task.fields["note"])
            self._show.finished()


class PlainShow:
    """For a file or a pipe: each thing is one line, a bar one line every few seconds."""

    def title(self, name: str, lines: Sequence[str]) -> None:
        say("\n".join([f"== {name}", *(f"   {line}" for line in lines)]))

    def heading(self, text: str) -> None:
        say(f"\n-- {text}")

    def line(self, text: str, *, good: bool | None = None) -> None:
        mark = {None: "  ", True: "ok", False: "WRONG"}[good]
        say(f"   {mark} {text}".replace("      ", "   "))

    def bar(self, name: str, unit: str, total: float | None = None) -> Bar:
        return _PlainBar(name, unit, total)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        say(f"\n-- {title}")
        for row in (columns, *rows):
            cells = [
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            say("   " + "  ".join(cells).rstrip())

    def panel(self, title: str, lines: Sequence[str]) -> None:
        say("\n".join([f"\n-- {title}", *(f"   {line}".rstrip() for line in lines)]))

    def close(self) -> None:
        pass


class _PlainBar:
    def __init__(self, name: str, unit: str, total: float | None) -> None:
        self._name = name
        self._unit = unit
        self._total = total
        self._done = 0.0
        self._begun = self._told = time.monotonic()
        self._finished = False

    def update(self, done: float, total: float | None = None, note: str = "") -> None:
        self._done = done
        self._total = total if total is not None else self._total
        if done != self._total and time.monotonic() - self._told >= _PLAIN_EVERY:
            self._told = time.monotonic()
            self._tell(note)

    def finish(self, note: str = "") -> None:
        if not self._finished:
            self._finished = True
            self._total = None
            self._tell(note)

    def _tell(self, note: str) -> None:
        seconds = time.monotonic() - self._begun
        text = f"   {self._name}: {amounts(self._done, self._total, self._unit)} after {seconds:.1f} s"
        say(f"{text}, {note}" if note else text)
