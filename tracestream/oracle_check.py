"""``tracestream oracle check``: what a user runs first against a real database."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from catalogue.domain import CatalogueError
from catalogue.loader import load_catalogue
from catalogue.settings import CatalogueSettings
from producers.settings import ProducerSettings
from producers.sources.oracle_check import Finding, Verdict, check
from producers.sources.oracle_connect import parameters
from producers.sources.protocol import SourceFailed
from producers.sources.settings import SourceSettings
from tracestream.exits import CommandError, Exit
from tracestream.output import say
from tracestream.settings import load

_WIDTH = 22


async def run(arguments: Namespace) -> Exit:
    """Prints a line for each finding; FAILED when one is bad, UNREACHABLE when there is no connection. Raises CommandError."""
    settings = load(SourceSettings, os.environ)
    try:
        parameters(settings)
    except SourceFailed as error:
        raise CommandError(str(error), Exit.USAGE) from None
    try:
        catalogue = load_catalogue(load(CatalogueSettings, os.environ).folder)
    except CatalogueError as error:
        raise CommandError(str(error), Exit.USAGE) from None
    rows = load(ProducerSettings, os.environ).fetch_rows
    bad = []
    async for finding in check(settings, catalogue, _ids(arguments.ids), rows):
        _show(finding, more=arguments.verbose)
        if finding.verdict is Verdict.BAD:
            bad.append(finding.what)
    if not bad:
        say("Everything that a job needs works.")
        return Exit.OK
    say(f"Failed: {', '.join(bad)}.")
    return Exit.UNREACHABLE if bad == ["connection"] else Exit.FAILED


def _ids(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        found = [line for line in file.read_text("utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", Exit.USAGE) from None
    if not found:
        raise CommandError(f"{file} has no container IDs: one a line are wanted.", Exit.USAGE)
    return found


def _show(finding: Finding, *, more: bool) -> None:
    say(f"{finding.verdict.value:<7} {finding.what:<{_WIDTH}} {finding.text}")
    if more or (finding.what.endswith(": plan") and finding.verdict is not Verdict.GOOD):
        for line in finding.lines:
            say(f"        {line}")
