"""The form: what it counts, what it sends, and where it shows what the gateway refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.site import Tab

COUNT, DUPLICATES, GO = "[data-test=count]", "[data-test=duplicates]", "button[type=submit]"

PASTE = """
([selector, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}
"""
DROP = """
(text) => {
  const data = new DataTransfer();
  data.items.add(new File([text], "ids.txt"));
  document.querySelector(".ids").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}
"""


async def test_ids_are_counted_and_repeated_ones_told(tab: Tab) -> None:
    await tab.open("/")
    await tab.page.fill("textarea", "A\nB\n\nA\nC\nB\n")
    await tab.page.locator(COUNT, has_text="3 distinct").wait_for()
    await tab.page.click(f"{DUPLICATES} summary")
    told = await tab.text(DUPLICATES)
    assert "2 repeated" in told
    assert "line 4 repeats line 1: A" in told


async def test_a_paste_of_150_000_lines_is_counted_and_never_laid_out(tab: Tab) -> None:
    await tab.open("/")
    text = "\n".join(f"container-{number % 149_000}" for number in range(150_000))
    await tab.page.evaluate(PASTE, ["textarea", text])
    await tab.page.locator(COUNT, has_text="149,000 distinct").wait_for()
    assert "1,000 repeated" in await tab.text(DUPLICATES)
    assert await tab.page.locator("textarea").count() == 0
    await tab.page.get_by_role("button", name="Clear").click()
    assert await tab.page.input_value("textarea") == ""


async def test_a_file_is_chosen_or_dropped(tab: Tab, tmp_path: Path) -> None:
    await tab.open("/")
    file = tmp_path / "lots.txt"
    file.write_bytes("\r\n".join(f"晶圓 {number}" for number in range(120_000)).encode())
    await tab.page.set_input_files("input[type=file]", file)
    await tab.page.locator(COUNT, has_text="120,000 distinct").wait_for()
    assert "lots.txt" in await tab.text("[data-test=list]")
    await tab.page.evaluate(DROP, "X\nY\nX\n")
    await tab.page.locator(COUNT, has_text="2 distinct").wait_for()


async def test_the_demos_own_containers_are_one_click_and_their_trace_another(tab: Tab) -> None:
    await tab.open("/")
    await tab.page.click("[data-test=example]")
    await tab.page.locator(COUNT, has_text=f"{len(tab.site.ids):,} distinct").wait_for()
    await tab.page.uncheck("input[name=domains][value=broken]")
    await tab.page.click(GO)
    await tab.page.wait_for_url("**/jobs/*")
    job = tab.page.url.rpartition("/")[2]
    await tab.connection("ended")
    state = tab.site.state(job)
    assert state["cid_count"] == len(tab.site.ids)
    assert state["aggregation"] == "msd"
    taken = await tab.page.get_attribute("[data-test=records]", "data-records")
    assert taken == str(state["progress"]["records"])


@pytest.mark.parametrize(
    ("ids", "change", "place", "said"),
    [
        ("A\nB\n" + "x" * 300, "", "#ids-problem", "It stands in line 3"),
        ("", "", "#ids-problem", "Give container IDs first"),
        ("A", "input[value=materials]", "#domains-problem", "needs the domain materials"),
    ],
)
async def test_a_refusal_is_shown_beside_the_field_it_speaks_of(
    tab: Tab, ids: str, change: str, place: str, said: str
) -> None:
    await tab.open("/")
    await tab.page.wait_for_selector("input[name=domains]")
    if ids:
        await tab.page.fill("textarea", ids)
        await tab.page.wait_for_selector(COUNT)
    if change:
        await tab.page.uncheck(change)
    await tab.page.click(GO)
    await tab.page.locator(f"{place} [role=alert]", has_text=said).wait_for()
    assert await tab.page.locator("[role=alert]").count() == 1


@pytest.mark.parametrize(("name", "value"), [("batch-size", "0"), ("ttl", "1")])
async def test_a_refused_option_is_shown_open_and_goes_away_when_it_is_changed(
    tab: Tab, name: str, value: str
) -> None:
    await tab.open("/")
    await tab.page.fill("textarea", tab.site.ids[0])
    await tab.page.wait_for_selector(COUNT)
    await tab.page.click("details summary")
    await tab.page.fill(f"#{name}", value)
    await tab.page.click(GO)
    await tab.page.locator(f".field:has(#{name}) [role=alert]").wait_for()
    assert await tab.page.get_attribute(f"#{name}", "aria-invalid") == "true"
    await tab.page.fill(f"#{name}", "600")
    assert await tab.page.locator("[role=alert]").count() == 0
