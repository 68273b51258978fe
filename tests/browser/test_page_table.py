"""The grid: only what can be seen is drawn; keys, columns, copying."""

from __future__ import annotations

from tests.browser.site import GRID, Tab, until


async def open_rows(tab: Tab, count: int = 3000) -> str:
    job = tab.site.complete(count)
    await tab.open(f"/jobs/{job}")
    await tab.cells(1)
    return job


async def headings(tab: Tab) -> list[str]:
    return await tab.page.locator(f"{GRID} [role=columnheader] span").all_inner_texts()


async def test_of_thousands_of_rows_and_dozens_of_columns_only_what_can_be_seen_is_drawn(tab: Tab) -> None:
    await open_rows(tab)
    grid = tab.page.locator(GRID)
    assert int(await grid.get_attribute("aria-rowcount") or 0) > 3000
    assert int(await grid.get_attribute("aria-colcount") or 0) == 40
    assert await grid.locator("[role=row]").count() < 80
    assert len(await headings(tab)) < 20
    await grid.evaluate("grid => grid.scrollTo(grid.scrollWidth, grid.scrollHeight)")
    await tab.page.locator(f"{GRID} [role=columnheader]", has_text="REMARK").wait_for()
    assert "HISTORYID" not in await headings(tab)


async def test_the_keyboard_moves_through_it_and_a_screen_reader_hears_where_it_is(tab: Tab) -> None:
    await open_rows(tab)
    await tab.page.focus(GRID)
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "PageDown", "Control+End"):
        await tab.page.keyboard.press(key)
    rows = int(await tab.page.get_attribute(GRID, "aria-rowcount") or 0) - 1
    active = tab.page.locator("#active-cell")
    await active.wait_for()
    assert await tab.page.get_attribute(GRID, "aria-activedescendant") == "active-cell"
    assert await active.get_attribute("aria-colindex") == "40"
    assert await active.locator("xpath=..").get_attribute("aria-rowindex") == str(rows + 1)


async def test_columns_are_hidden_and_resized_and_stay_so(tab: Tab) -> None:
    await open_rows(tab)
    assert (await headings(tab))[:2] == ["HISTORYID", "CONTAINERID"]
    await tab.page.click("[data-test=columns]")
    await tab.page.get_by_label("CONTAINERID", exact=True).uncheck()
    await tab.page.keyboard.press("Escape")
    assert (await headings(tab))[:2] == ["HISTORYID", "CONTAINERNAME"]
    heading = tab.page.locator(f"{GRID} [role=columnheader]", has_text="HISTORYID")
    before = await heading.evaluate("element => element.offsetWidth")
    await tab.page.focus(GRID)
    await tab.page.keyboard.press("Alt+ArrowRight")

    async def wider() -> bool:
        return bool(await heading.evaluate("element => element.offsetWidth") > before)

    await until(wider)
    handle = await heading.locator(".handle").bounding_box()
    assert handle
    await tab.page.mouse.move(handle["x"] + 3, handle["y"] + 10)
    await tab.page.mouse.down()
    await tab.page.mouse.move(handle["x"] + 103, handle["y"] + 10)
    await tab.page.mouse.up()
    wide = await heading.evaluate("element => element.offsetWidth")
    assert wide >= before + 100
    await tab.page.reload()
    await tab.cells(1)
    assert (await headings(tab))[:2] == ["HISTORYID", "CONTAINERNAME"]
    assert await heading.evaluate("element => element.offsetWidth") == wide


async def test_a_selection_is_copied_as_a_spreadsheet_takes_it_also_beyond_what_is_drawn(tab: Tab) -> None:
    await tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await open_rows(tab)
    await tab.page.locator(f"{GRID} [role=row][aria-rowindex='2'] [role=gridcell]").first.click()
    await tab.go_to_row(1)
    await tab.page.keyboard.press("Shift+ArrowRight")
    for _ in range(20):
        await tab.page.keyboard.press("Shift+PageDown")
    await tab.page.keyboard.press("Control+c")
    await tab.page.locator("[role=status]", has_text="Copied").wait_for()
    lines = (await tab.page.evaluate("navigator.clipboard.readText()")).split("\n")
    await tab.page.keyboard.press("Control+Home")
    assert lines[0] == "HISTORYID\tCONTAINERID"
    assert len(lines) > 300
    assert len({line.split("\t")[0] for line in lines}) == len(lines)
    assert lines[1] == "\t".join((await tab.cells(1))[:2])


async def test_what_is_hidden_behind_a_cell_is_told_below(tab: Tab) -> None:
    await open_rows(tab, 50)
    cell = tab.page.locator(f"{GRID} [role=row][aria-rowindex='4'] [role=gridcell]").nth(1)
    await cell.click()
    told = await tab.text(".inspector")
    assert "CONTAINERID" in told
    assert await cell.inner_text() in told
