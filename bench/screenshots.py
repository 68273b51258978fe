"""Pictures of the page for the documentation: ``make screenshots``.

Taken of the real thing: everything is started, the reference job is submitted through the form and photographed while it streams
and when it is complete, in light and dark, in English and Traditional Chinese; and a job that fails because its answer is larger
than it may be. Fonts for Chinese must be installed.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page

from bench.services import running
from gateway.page import BUILT
from tests.browsers import running_chromium
from tracestream import folders
from tracestream.data_command import ensure, ensure_ids, tell

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1200, "height": 860}
MOST_BYTES = 200_000
DEADLINE_MS = 300_000.0
FAILED_SCALE = 0.1
STREAMED_RECORDS = 40_000
FIRST_ROW = "[data-test=grid] [role=gridcell]:not(.bone)"


class Camera:
    """Takes pictures into ``folder``."""

    def __init__(self, browser: Browser, url: str, folder: Path) -> None:
        self._browser = browser
        self._url = url
        self._folder = folder

    async def look(self, path: str, *, dark: bool = False, locale: str = "en-US") -> Page:
        scheme = "dark" if dark else "light"
        context = await self._browser.new_context(viewport=SIZE, color_scheme=scheme, locale=locale)  # type: ignore[arg-type]
        page = await context.new_page()
        page.set_default_timeout(DEADLINE_MS)
        await page.goto(self._url + path)
        return page

    async def take(self, page: Page, name: str) -> None:
        """One picture; a moment's wait lets bars come to rest."""
        await page.wait_for_timeout(700)
        path = self._folder / f"{name}.png"
        await page.screenshot(path=path)
        size = path.stat().st_size
        print(f"{path.relative_to(ROOT)}: {size / 1000:.0f} kB")
        if size > MOST_BYTES:
            raise RuntimeError(
                f"{path.name} has {size} bytes, more than the {MOST_BYTES} that a picture may have"
            )


async def start(page: Page) -> str:
    """Submits the trace of all containers; answers its path once the first row is there."""
    await page.click("[data-test=example]")
    await page.wait_for_selector("[data-test=count]")
    await page.click("button[type=submit]")
    await page.wait_for_selector(FIRST_ROW)
    return "/jobs/" + page.url.rpartition("/")[2]


async def records(page: Page) -> int:
    """Records that the page has taken."""
    return int(await page.get_attribute("[data-test=records]", "data-records") or 0)


async def reference(browser: Browser, url: str, folder: Path) -> None:
    camera = Camera(browser, url, folder)
    await camera.take(await camera.look("/jobs"), "empty")
    page = await camera.look("/")
    await page.click("[data-test=example]")
    await page.wait_for_selector("[data-test=count]")
    await camera.take(page, "submit")
    path = await start(page)
    # The policy of the page forbids what wait_for_function does.
    while await records(page) < STREAMED_RECORDS:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await camera.take(page, "streaming")
    await page.wait_for_selector("[data-connection=ended]")
    await page.click("[data-test='tab-']")
    await page.wait_for_selector("canvas")
    await camera.take(page, "complete")
    dark = await camera.look(path, dark=True, locale="zh-TW")
    await dark.wait_for_selector(FIRST_ROW)
    await camera.take(dark, "dark")
    await dark.click("[data-test='tab-']")
    await dark.wait_for_selector("canvas")
    await dark.locator("[data-test=chart-work_centre]").evaluate("chart => chart.scrollIntoView()")
    await camera.take(dark, "dark-analysis")


async def failed(browser: Browser, url: str, folder: Path) -> None:
    camera = Camera(browser, url, folder)
    page = await camera.look("/")
    await start(page)
    await page.wait_for_selector(".title .failed")
    await camera.take(page, "failed")


async def main(chosen: argparse.Namespace) -> None:
    if not (BUILT / "index.html").is_file():
        raise SystemExit("The page is not built: make page")
    chosen.output.mkdir(parents=True, exist_ok=True)
    data = folders.data_folder(chosen.data_dir)
    for scale, take, changes in (
        (chosen.scale, reference, {}),
        (FAILED_SCALE, failed, {"TRACE_MAX_JOB_BYTES": "12000000"}),
    ):
        database = ensure(data, scale, tell)
        env = {"TRACE_EXAMPLE_IDS": str(ensure_ids(database)), **changes}
        with tempfile.TemporaryDirectory(prefix="tracestream-bench-") as folder:
            async with running(Path(folder), database, env) as service, running_chromium() as browser:
                await take(browser, service.url, chosen.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.screenshots", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the demo data")
    parser.add_argument("--data-dir", type=Path, help="where the demo data is kept")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/screenshots")
    asyncio.run(main(parser.parse_args()))
