"""Who can't see well, can't use a mouse or doesn't read English: axe-core over every view, keys, languages, colours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from typing import Any, Literal

import pytest
from playwright.async_api import Browser

from tests.architecture.tree import ROOT
from tests.browser.site import Site, Tab, looking

AXE = ROOT / "page/node_modules/axe-core/axe.min.js"
VIEWS = ("submit", "jobs", "rows", "analysis", "failed")

Scheme = Literal["light", "dark"]


@pytest.fixture(params=product(("light", "dark"), ("en-US", "zh-TW")), ids="-".join)
async def look(request: pytest.FixtureRequest, browser: Browser, site: Site) -> AsyncIterator[Tab]:
    scheme, locale = request.param
    # axe is put in from outside, past the page's policy.
    async with looking(browser, site, color_scheme=scheme, locale=locale, bypass_csp=True) as tab:
        yield tab


async def show(tab: Tab, view: str) -> None:
    """Opens a view with everything in it."""
    site = tab.site
    if view == "submit":
        await tab.open("/")
        await tab.page.fill("textarea", "A\nB\nA\n" + "x" * 300)
        await tab.page.wait_for_selector("[data-test=duplicates]")
        await tab.page.click("button[type=submit]")
        await tab.page.wait_for_selector("[role=alert]")
        return
    if view == "failed":
        await tab.open(f"/jobs/{site.submit(site.ids[:1], ('broken',))}")
        await tab.page.wait_for_selector(".title .failed")
        return
    job = site.complete(300, ("history", "materials"), aggregation="msd")
    await tab.open("/jobs" if view == "jobs" else f"/jobs/{job}")
    if view == "jobs":
        await tab.page.wait_for_selector(f"tr[data-job='{job}']")
        return
    await tab.cells(1)
    await tab.page.click("[data-test=columns]")
    if view == "analysis":
        await tab.page.click("[data-test='tab-']")
        await tab.page.wait_for_selector("canvas")


def serious(results: dict[str, Any]) -> list[str]:
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary']}"
        for each in results["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("view", VIEWS)
async def test_axe_finds_nothing_serious(look: Tab, view: str) -> None:
    await show(look, view)
    await look.page.add_script_tag(path=AXE)
    results = await look.page.evaluate("axe.run(document)")
    assert results["passes"]
    assert serious(results) == []


async def test_the_page_speaks_the_readers_language_and_keeps_the_choice(
    browser: Browser, site: Site
) -> None:
    async with looking(browser, site, locale="zh-TW") as tab:
        await tab.open("/")
        await tab.page.locator("h1", has_text="新增追溯").wait_for()
        assert await tab.page.get_attribute("html", "lang") == "zh-Hant"
        await tab.page.select_option("select.language", "en")
        await tab.page.locator("h1", has_text="New trace").wait_for()
        await tab.page.reload()
        await tab.page.locator("h1", has_text="New trace").wait_for()


async def test_colours_follow_the_system_until_somebody_chooses(browser: Browser, site: Site) -> None:
    async with looking(browser, site, color_scheme="dark") as tab:
        await tab.open("/")
        assert await tab.page.get_attribute("html", "data-theme") == "dark"
        await tab.page.get_by_role("button", name="Change to light").click()
        assert await tab.page.get_attribute("html", "data-theme") == "light"
        await tab.page.reload()
        assert await tab.page.get_attribute("html", "data-theme") == "light"


async def test_a_trace_is_started_by_keys_alone(tab: Tab) -> None:
    await tab.open("/")
    await tab.page.keyboard.press("Tab")
    assert await tab.page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    await tab.page.focus("textarea")
    await tab.page.keyboard.insert_text("\n".join(tab.site.ids[:5]))
    await tab.page.wait_for_selector("[data-test=count]")
    await tab.page.focus("input[name=domains][value=broken]")
    await tab.page.keyboard.press("Space")
    await tab.page.focus("button[type=submit]")
    await tab.page.keyboard.press("Enter")
    await tab.page.wait_for_url("**/jobs/*")
    assert await tab.page.evaluate("document.activeElement.id") == "main"
