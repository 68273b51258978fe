"""A real Chromium for tests, where the machine has one.

``TRACE_CHROMIUM`` names the program; else ``chromium``, ``chromium-browser`` or ``google-chrome`` on the path. Without one the
test is skipped; under CI that is a failure (tests/conftest.py, for tests in a folder ``browser``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage")
"""Root has no sandbox; a container's /dev/shm is too small for a tab with much in it."""


def find_chromium() -> str | None:
    """The program, if there is one."""
    return os.environ.get("TRACE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@asynccontextmanager
async def running_chromium(arguments: Sequence[str] = (), *, headless: bool = True) -> AsyncIterator[Browser]:
    """A browser for the block; each page in a context of its own: ``browser.new_page()``. Skips the test where there is none."""
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium on this machine; install one, or name it in TRACE_CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=[*ARGUMENTS, *arguments], headless=headless
        )
        try:
            yield browser
        finally:
            await browser.close()
