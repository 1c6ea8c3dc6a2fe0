"""Makes the docs' picture of a call's span in Phoenix: `scripts/pictures`, see docs/why.md. The story is story.py's;
what a page of Phoenix's looks like is known here alone.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from tests.support.browser import browsing
from tests.support.debian import ROOT, Missing, say
from tests.viewer.phoenix import serving
from tests.viewer.story import INSIDE, Story, told

PICTURE = ROOT / "docs" / "pictures" / "why-in-phoenix.png"
_SIZE = ViewportSize(width=1400, height=1000)
_TALL = ViewportSize(width=1400, height=3000)  # lines that are not on the screen are not in the page
# What Phoenix itself makes of our attributes, and what says least of them: the rest fits the picture, in any order.
_FOLDED = ["output", "llm", "openinference", "http", "server"]
_FOLDED += ["provider", "operation", "finish_reasons", "cache_read", "reasoning"]
_LIGHT = 'localStorage.setItem("arize-phoenix-theme", "light")'


def main() -> int:
    """Writes the picture; 1 where it cannot be made here."""
    with tempfile.TemporaryDirectory(prefix="housestyle-pictures-") as made:
        folder = Path(made)
        try:
            with serving(folder / "phoenix") as phoenix, told(phoenix, folder) as story, browsing() as browser:
                page = browser.new_page(viewport=_TALL, color_scheme="light")
                page.add_init_script(_LIGHT)
                _open(page, story)
                PICTURE.parent.mkdir(exist_ok=True)
                page.screenshot(path=PICTURE)
        except Missing as missing:
            say(str(missing))
            return 1
    say(f"wrote {PICTURE.relative_to(ROOT)}, {PICTURE.stat().st_size // 1024} KB")
    return 0


def _open(page: Page, story: Story) -> None:
    """The workflow's trace, in it the streamed call's span with its attributes, ours in full."""
    for name in INSIDE:
        story.phoenix.of_call(story.calls[name])
    [span] = story.phoenix.of_call(story.calls["streamed"])
    page.goto(story.phoenix.page(span))
    page.get_by_role("button", name="Collapse side navigation").first.click()
    page.get_by_role("tab", name="Attributes").click()
    page.get_by_role("radio", name="JSON").click(force=True)  # its label lies over it
    for name in _FOLDED:
        _fold(page, name)
    page.set_viewport_size(_SIZE)
    page.locator(".cm-line").last.scroll_into_view_if_needed()
    page.mouse.move(0, _SIZE["height"] - 1)
    page.wait_for_load_state("networkidle")
    _check(
        page, ["fine_tuned", '"reason"', '"requested_model"', story.job["fine_tuned_model"], '"time_to_first_chunk"']
    )


def _fold(page: Page, name: str) -> None:
    """Folds an object of the JSON by the arrow beside its first line."""
    line = page.locator(".cm-line", has_text=f'"{name}": ')
    line.wait_for()
    at, gutter = line.bounding_box(), page.locator(".cm-foldGutter").bounding_box()
    assert at is not None
    assert gutter is not None
    page.mouse.click(gutter["x"] + gutter["width"] / 2, at["y"] + at["height"] / 2)
    line.locator(".cm-foldPlaceholder").wait_for()


def _check(page: Page, wanted: list[str]) -> None:
    """What the picture is for must be in it: Phoenix's page may change, and its order of attributes does."""
    panel = page.get_by_role("tabpanel").last.bounding_box()
    assert panel is not None
    for text in wanted:
        line = page.locator(".cm-line", has_text=text).first.bounding_box()
        assert line is not None, text
        assert panel["y"] < line["y"] < panel["y"] + panel["height"] - line["height"], text


if __name__ == "__main__":
    sys.exit(main())
