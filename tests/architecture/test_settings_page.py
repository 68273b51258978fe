"""docs/settings.md is what `tracestream settings --markdown` prints."""

from __future__ import annotations

from tests.architecture import tree
from tracestream.show_settings import markdown


def test_the_page_of_settings_is_current() -> None:
    page = (tree.ROOT / "docs/settings.md").read_text("utf-8")
    assert page == markdown(), "run: tracestream settings --markdown > docs/settings.md"
