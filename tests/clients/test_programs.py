"""The programs in docs/browsers.md do what they are said to do."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.gateway import GatewayProcess
from tests.clients.logs import CaseLog
from tests.clients.node import PACKAGE, REPOSITORY, nodes

pytestmark = pytest.mark.asyncio(loop_scope="module")


def program(language: str) -> str:
    """The one block in that language."""
    text = (REPOSITORY / "docs" / "browsers.md").read_text("utf-8")
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("node", nodes())
async def test_the_program_for_node_reads_a_job_from_an_offset(
    node: str, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "tracestream-client").symlink_to(PACKAGE)
    (tmp_path / "program.mjs").write_text(program("js"), "utf-8")
    log = await CaseLog.write(settings, administrator, {"batches": 2, "per_batch": 7})
    await log.close()
    process = await asyncio.create_subprocess_exec(
        *(nodes()[node], tmp_path / "program.mjs", gateway.url, log.job_id, "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    lines = [line.split() for line in output.decode().splitlines()]
    assert [line[1:] for line in lines] == [
        ["domain_start"],
        ["records", "7"],
        ["records", "7"],
        ["domain_end"],
        ["complete"],
    ]
