"""The settings in a real browser: with and without script, on a phone and a desktop, in English and Urdu."""

import os
from pathlib import Path

import pytest

from tests.console.conftest import OpenPage, check_page

AT = "/console/settings"
PAGES = (
    "", "/vocabulary?command=JOIN", "/triage", "/replies/ur/joined", "/groups", "/groups/new", "/events/new",
    "/sending", "/carriers", "/keys/new",
)  # fmt: skip


@pytest.mark.parametrize(("language", "phone", "theme"), [("en", False, "light"), ("ur", True, "dark")])
def test_every_page_is_sound(open_page: OpenPage, language: str, phone: bool, theme: str) -> None:
    page = open_page("admin", AT, phone=phone, language=language, theme=theme)
    for path in (*PAGES, "/replies"):
        page.goto(AT + path)
        if folder := os.environ.get("SCREENSHOTS"):
            name = path.strip("/").replace("/", "-").replace("?", "-") or "overview"
            page.screenshot(path=Path(folder) / f"settings-{name}-{language}.png", full_page=path != "/replies")
        check_page(page)


def test_parts_are_counted_while_one_types(open_page: OpenPage) -> None:
    page = open_page("admin", f"{AT}/replies/en/help")
    page.fill("#f-text", "Text JOIN or STOP. " + "x" * 200)
    assert "values: \u20682\u2069" in page.inner_text("#count")
    page.fill("#f-text", "Text JOIN or STOP ☂")
    assert "UCS-2" in page.inner_text("#count")
    page.fill("#f-text", "x" * 400)
    assert "over" in (page.get_attribute("#count", "class") or "")
    page.goto(f"{AT}/replies/ur/joined")
    counted = page.inner_text("#count")  # the gateway's count, then the script's: they agree
    page.reload()
    assert counted == page.inner_text("#count")


@pytest.mark.parametrize("script", [True, False])
def test_a_word_and_a_reply_are_changed_and_taken_back(open_page: OpenPage, script: bool) -> None:
    page = open_page("admin", f"{AT}/vocabulary?command=JOIN", phone=True, script=script)
    page.fill("#f-word", "ral jao")
    page.select_option("#f-language", "ur-Latn")
    page.click("text=Add the word")
    assert "now means" in page.inner_text(".notice.good")
    page.fill("#f-text", "ral jao Sana Lahore")
    page.click("text=How is it read?")
    assert "JOIN" in page.inner_text("#tried")
    page.goto(f"{AT}/vocabulary?command=JOIN")
    page.click('[aria-label*="Remove"][aria-label*="ral jao"]')
    assert "any more" in page.inner_text(".notice.good")

    page.goto(f"{AT}/replies/en/erase_kept")
    page.fill("#f-text", "Nothing was taken away.")
    page.click("text=Count and show")
    assert "1 of" in page.inner_text("main") or "values" in page.inner_text("#count")
    page.click("button[value=save]")
    assert "Saved" in page.inner_text(".notice.good")
    page.click("button[value=reset]")
    assert "built-in words are back" in page.inner_text(".notice.good")
