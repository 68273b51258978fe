"""The list of jobs: live, with what can be done to one."""

from __future__ import annotations

from tests.browser.site import Site, Tab


def slow(site: Site) -> str:
    """A job that takes a while: most of its containers are unknown, and each thousand is asked for all the same."""
    return site.submit(
        [*site.ids[:50], *(f"unknown-{number}" for number in range(150_000))], ("history", "materials")
    )


async def test_a_job_appears_and_ends_while_somebody_looks(tab: Tab) -> None:
    await tab.open("/jobs")
    job = tab.site.submit(tab.site.ids[:20])
    row = tab.page.locator(f"tr[data-job='{job}']")
    await row.locator(".complete").wait_for()
    assert "20" in await row.inner_text()


async def test_a_running_job_is_cancelled_and_then_deleted(tab: Tab) -> None:
    job = slow(tab.site)
    await tab.open("/jobs")
    row = tab.page.locator(f"tr[data-job='{job}']")
    await row.locator("[data-test=stop]").click()
    await row.locator("[data-test=yes]").click()
    await row.locator(".cancelled").wait_for()
    assert tab.site.ended(job)["status"] == "cancelled"
    await row.locator("[data-test=trash]").click()
    await row.locator("[data-test=yes]").click()
    await row.wait_for(state="detached")
    assert tab.site.state(job)["status"] == 410


async def test_what_can_not_be_undone_is_asked_first_and_escape_takes_it_back(tab: Tab) -> None:
    job = tab.site.complete(1)
    await tab.open("/jobs")
    row = tab.page.locator(f"tr[data-job='{job}']")
    await row.locator("[data-test=trash]").click()
    await tab.page.keyboard.press("Escape")
    await row.locator("[data-test=trash]").wait_for()
    assert tab.site.state(job)["status"] == "complete"


async def test_jobs_are_shown_by_state(tab: Tab) -> None:
    good = tab.site.complete(1)
    bad = tab.site.submit(tab.site.ids[:1], ("broken",))
    assert tab.site.ended(bad)["status"] == "failed"
    await tab.open("/jobs")
    await tab.page.get_by_role("button", name="Failed").click()
    await tab.page.wait_for_selector(f"tr[data-job='{bad}']")
    await tab.page.locator(f"tr[data-job='{good}']").wait_for(state="detached")


async def test_a_job_is_cancelled_on_its_own_page(tab: Tab) -> None:
    job = slow(tab.site)
    await tab.open(f"/jobs/{job}")
    await tab.page.click("[data-test=stop]")
    await tab.page.click("[data-test=yes]")
    await tab.page.locator(".title .cancelled").wait_for()
    await tab.page.click("[data-test=trash]")
    await tab.page.click("[data-test=yes]")
    await tab.page.wait_for_url("**/jobs")


async def test_a_job_that_failed_says_why(tab: Tab) -> None:
    job = tab.site.submit(tab.site.ids[:3], ("broken",))
    await tab.open(f"/jobs/{job}")
    await tab.page.locator(".title .failed").wait_for()
    note = tab.page.locator("[role=alert]", has_text="The database could not answer")
    await note.wait_for()
    assert await tab.page.locator("[role=alert]").count() == 1


async def test_a_job_that_is_not_here_is_said_to_be_gone(tab: Tab) -> None:
    await tab.open("/jobs/00000000-0000-0000-0000-000000000000")
    await tab.page.locator("[role=alert]", has_text="There is no such job").wait_for()
