"""A job's page: its rows while they stream and afterwards, pausing, reloading, its analysis, the download."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from playwright.async_api import Route

from tests.browser.site import Site, Tab

ALL = ("history", "materials")


def whole(site: Site) -> str:
    """A job over all containers, just submitted."""
    return site.submit(site.ids, ALL, aggregation="msd")


def page_of(site: Site, job: str, domain: str, offset: int) -> dict[str, Any]:
    """One record by the page API, its numbers as the texts they are."""
    query: dict[str, str | int] = {"domain": domain, "offset": offset, "limit": 1}
    text = httpx.get(f"{site.url}/api/trace/job/{job}/result", params=query).text
    record: dict[str, Any] = json.loads(text, parse_int=str, parse_float=str)["data"][0]
    return record


async def read_to_its_end(tab: Tab) -> dict[str, Any]:
    """Waits until the page has read the whole log of the job it shows; answers the job's state."""
    await tab.connection("ended")
    return tab.site.ended(tab.page.url.rpartition("/")[2])


async def test_the_table_fills_and_every_record_is_accounted_for(tab: Tab) -> None:
    job = whole(tab.site)
    await tab.open(f"/jobs/{job}")
    await tab.cells(1)
    state = await read_to_its_end(tab)
    progress = state["progress"]
    assert await tab.page.get_attribute("[data-test=records]", "data-records") == str(progress["records"])
    assert await tab.page.get_attribute("[data-test=taken]", "data-bytes") == str(len(tab.site.log(job)))
    await tab.rows_are(progress["domains"]["history"]["records"])
    await tab.page.click("[data-test=tab-materials]")
    await tab.rows_are(progress["domains"]["materials"]["records"])
    assert "2" not in await tab.text("[data-test=resumes]")


async def test_rows_that_were_let_go_come_back_through_the_page_api_digit_for_digit(tab: Tab) -> None:
    job = whole(tab.site)
    await tab.open(f"/jobs/{job}")
    state = await read_to_its_end(tab)
    kept = int(await tab.page.get_attribute("[data-test=kept]", "data-bytes") or 0)
    assert kept < state["progress"]["bytes"]
    # Far from the first rows, which are looked at, and not among the last few, which are never let go.
    row = state["progress"]["domains"]["history"]["records"] - 1000
    pages = [url for url in tab.requested if "/result?" in url]
    await tab.go_to_row(row)
    shown = await tab.cells(row)
    assert len([url for url in tab.requested if "/result?" in url]) > len(pages)
    record = page_of(tab.site, job, "history", row - 1)
    assert shown[0] == record["HISTORYID"]
    assert int(shown[0]) > 2**53
    await tab.page.keyboard.press("Control+Home")
    assert (await tab.cells(1))[0] == page_of(tab.site, job, "history", 0)["HISTORYID"]


JUMP_AT_THE_END = """(row) => new Promise((resolve) => {
    const watcher = new MutationObserver(() => {
        if (!document.querySelector("[data-connection=ended]")) return;
        watcher.disconnect();
        const field = document.querySelector("[data-test=jump]");
        field.value = row;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.form.requestSubmit();
        resolve();
    });
    watcher.observe(document.body, { subtree: true, childList: true, attributes: true });
})"""
"""In the page itself, and with the very change that tells of the end: the table is laid out for the last rows a second later."""


async def test_a_row_that_has_only_just_come_can_be_gone_to(tab: Tab) -> None:
    job = tab.site.complete(len(tab.site.ids))
    last = tab.site.state(job)["progress"]["records"]
    await tab.open(f"/jobs/{job}")
    await tab.page.click("[data-test=replay]")
    await tab.page.evaluate(JUMP_AT_THE_END, last)
    assert (await tab.cells(last))[0] == page_of(tab.site, job, "history", last - 1)["HISTORYID"]


async def test_the_rows_come_although_the_connection_was_away_when_the_worker_was_to_be_loaded(
    tab: Tab,
) -> None:
    refused = 0

    async def refuse_twice(route: Route) -> None:
        nonlocal refused
        refused += 1
        await (route.abort() if refused <= 2 else route.continue_())

    await tab.page.route("**/worker-*.js", refuse_twice)
    job = tab.site.complete(30)
    await tab.open(f"/jobs/{job}")
    assert (await tab.cells(1))[0] == page_of(tab.site, job, "history", 0)["HISTORYID"]
    assert refused == 3


REPLAY_AND_PAUSE = """async () => {
    document.querySelector("[data-test=replay]").click();
    const taken = () => Number(document.querySelector("[data-test=taken]")?.dataset.bytes ?? 0);
    while (!taken()) await new Promise(requestAnimationFrame);
    document.querySelector("[data-test=pause]").click();
}"""
"""In the page itself: between two clicks from outside the whole answer may have come."""


async def test_a_paused_page_takes_nothing_and_the_gateway_sends_nothing(tab: Tab) -> None:
    job = tab.site.complete(len(tab.site.ids), ALL)
    size = tab.site.state(job)["progress"]["bytes"]
    assert size > 25_000_000, "the job must be larger than what a browser takes ahead"
    await tab.open(f"/jobs/{job}")
    await tab.page.wait_for_selector("[data-test=replay]")
    await tab.page.evaluate(REPLAY_AND_PAUSE)
    await tab.connection("paused")
    taken = await standing_still(tab)
    sent = tab.site.sent()
    await asyncio.sleep(2)
    # What is sent meanwhile is the page's own asking for the job's state.
    assert tab.site.sent() - sent < 100_000
    assert await tab.page.get_attribute("[data-test=taken]", "data-bytes") == taken
    assert 0 < int(taken) < size
    await tab.page.click("[data-test=pause]")
    await tab.connection("ended")
    assert await tab.page.get_attribute("[data-test=taken]", "data-bytes") == str(len(tab.site.log(job)))


async def standing_still(tab: Tab) -> str:
    """What the page has taken, once it takes no more and the gateway sends no more."""
    before = (0, "")
    while True:
        now = (
            tab.site.sent() // 100_000,
            await tab.page.get_attribute("[data-test=taken]", "data-bytes") or "",
        )
        if now == before:
            return now[1]
        before = now
        await asyncio.sleep(1.5)


async def test_a_jobs_address_survives_a_reload(tab: Tab) -> None:
    job = tab.site.complete(30)
    rows = tab.site.state(job)["progress"]["records"]
    await tab.open("/jobs")
    await tab.page.click(f"tr[data-job='{job}'] a")
    await tab.rows_are(rows)
    await tab.page.reload()
    await tab.rows_are(rows)
    assert tab.page.url.endswith(f"/jobs/{job}")
    assert (await tab.cells(1))[0] == page_of(tab.site, job, "history", 0)["HISTORYID"]


async def test_the_analysis_shows_the_figures_of_the_aggregation(tab: Tab) -> None:
    job = tab.site.complete(2000, ALL, aggregation="msd")
    line = next(line for line in tab.site.log(job).splitlines() if b'"type":"aggregation"' in line)
    msd = json.loads(line)["data"]
    await tab.open(f"/jobs/{job}")
    await tab.page.click("[data-test='tab-']")
    analysis = tab.page.locator("[data-test=analysis]")
    await analysis.locator("canvas").first.wait_for()
    text = await analysis.inner_text()
    for member in ("containers", "passes", "input_qty", "defect_qty"):
        assert f"{msd['totals'][member]:,}" in text
    for dimension in ("loss_reason", "work_centre", "equipment", "day"):
        part = tab.page.locator(f"[data-test=chart-{dimension}]")
        assert await part.locator("canvas[aria-label]").count() == 1
        rows = await part.locator("tbody tr").all_inner_texts()
        assert len(rows) == len(msd["by"][dimension]["top"])
        assert f"{msd['by'][dimension]['top'][0]['defect_qty']:,}" in rows[0]


async def test_the_download_is_the_log_and_does_not_pass_through_the_page(tab: Tab) -> None:
    job = tab.site.complete(500)
    await tab.open(f"/jobs/{job}")
    async with tab.page.expect_download() as waiting:
        await tab.page.click("[data-test=download]")
    download = await waiting.value
    assert download.suggested_filename == f"trace-{job}.ndjson"
    path = await download.path()
    assert path.read_bytes() == tab.site.log(job)
    streams = [url for url in tab.requested if "/stream" in url and "download=1" not in url]
    assert all("limit=" in url for url in streams)


async def test_a_gateway_that_goes_away_is_said_and_the_page_goes_on_when_it_is_back(tab: Tab) -> None:
    job = tab.site.complete(len(tab.site.ids), ALL)
    await tab.open(f"/jobs/{job}")
    await tab.page.context.set_offline(True)
    await tab.page.locator("[role=alert]").first.wait_for()
    await tab.page.context.set_offline(False)
    await tab.page.locator("[role=alert]").first.wait_for(state="detached")
    await tab.cells(1)
