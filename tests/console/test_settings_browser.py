"""The settings in a real browser: with and without script, on a phone and a desktop, in English and Urdu."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from gateway.database import reading
from gateway.tables import ApiKey, Override
from tests.console.conftest import OpenPage, Rally, check_page
from tests.console.ways import Visit, Way, in_every_way, in_opposite_ways

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


@in_every_way
def test_a_word_is_added_tried_and_taken_back(open_page: OpenPage, rally: Rally, way: Way) -> None:
    word = "ral jao " + "abcdefgh"[way.number] * 3
    visit = Visit(open_page("admin", AT, **way.look), way)
    visit.page.get_by_role("link", name=re.compile(f"^{way.words('settings.page.vocabulary')}")).click()
    visit.page.get_by_role("link", name="JOIN", exact=True).click()
    visit.field("settings.word").fill(word)
    visit.field("settings.language").select_option("ur-Latn")
    visit.press("settings.add_word")
    visit.is_told("settings.word_added", word=word, command="JOIN")
    visit.field("settings.try_text").fill(f"{word} Sana Lahore")
    visit.press("settings.try_do")
    expect(visit.page.locator("#tried")).to_contain_text(way.words("settings.read_as", command="JOIN"))
    assert word in str(_in_force(rally))
    visit.at(f"{AT}/vocabulary?command=JOIN")
    visit.press_spoken("settings.remove_word", word=word)
    visit.is_told("settings.word_removed", word=word, command="JOIN")
    expect(visit.page.locator(".chips")).not_to_contain_text([word])


@in_every_way
def test_a_reply_is_changed_and_taken_back(open_page: OpenPage, rally: Rally, way: Way) -> None:
    text = f"Nothing was taken away, {way}."
    visit = Visit(open_page("admin", f"{AT}/replies?language=en", **way.look), way)
    visit.field("settings.find").fill("erase_kept")
    visit.press("settings.show")
    visit.page.get_by_role("link", name="erase_kept", exact=True).click()
    visit.field("settings.says").fill(text)
    visit.press("settings.look")
    expect(visit.page.locator(".bubble").first).to_have_text(text)
    visit.field("settings.says").fill("Nothing, {who}")
    visit.press("settings.save")
    expect(visit.page.get_by_role("alert")).to_be_visible()
    assert "{who}" not in str(_in_force(rally))
    visit.field("settings.says").fill(text)
    visit.press("settings.save")
    visit.is_told("settings.reply_saved", n=1)
    assert text in str(_in_force(rally))
    visit.press("settings.to_built_in")
    visit.is_told("settings.reply_reset")
    assert text not in str(_in_force(rally))
    visit.follow("settings.history")
    visit.page.get_by_role("button", name=way.any_words("settings.revert_to")).first.click()  # to these words
    visit.is_told("settings.reverted")
    assert text in str(_in_force(rally))
    visit.press("settings.to_built_in")
    assert text not in str(_in_force(rally))


@in_opposite_ways
def test_sending_hours_a_group_and_a_key_are_set(open_page: OpenPage, rally: Rally, way: Way) -> None:
    visit = Visit(open_page("admin", f"{AT}/sending", **way.look), way)
    hours = visit.card("settings.limit.sending_hours")
    visit.field("settings.limit.sending_hours", hours).fill("late")
    visit.press("settings.save", hours)
    expect(hours.locator(".problem")).to_be_visible()
    visit.field("settings.limit.sending_hours", hours).fill(f"0{way.number}:00-23:00")
    visit.press("settings.save", hours)
    visit.is_told("settings.limit_saved")
    assert f"0{way.number}:00-23:00" in str(_in_force(rally))
    hours.get_by_role("button").last.click()
    visit.is_told("settings.limit_saved")

    visit.at(f"{AT}/groups")
    visit.follow("settings.add_group")
    visit.field("settings.group_key").fill(f"group-{way}")
    visit.page.locator("#f-name_en").fill(f"Group {way}")
    visit.press("settings.save")
    visit.is_told("settings.group_saved", name=f"group-{way}")

    visit.at(f"{AT}/keys")
    visit.follow("settings.add_key", visit.page.locator(".head"))
    visit.field("settings.key_name").fill(f"key-{way}")
    visit.page.get_by_role("checkbox", name=way.words("settings.scope.texts_read")).check()
    visit.press("settings.add_key")
    visit.reads("settings.key_made")
    visit.follow("settings.key_done")
    row = visit.page.locator("main tr", has_text=f"key-{way}")
    visit.press("settings.revoke", row)
    visit.is_told("settings.key_revoked", name=f"key-{way}")
    with reading(rally.engine) as connection:
        mine = select(ApiKey.revoked_at).where(ApiKey.name == f"key-{way}")
        assert connection.execute(mine).scalar_one() is not None


def _in_force(rally: Rally) -> list[object]:
    """The newest value of each thing that was changed."""
    with reading(rally.engine) as connection:
        rows = select(Override.kind, Override.key, Override.value).order_by(Override.id)
        return list({(row.kind, row.key): row.value for row in connection.execute(rows)}.values())
