"""Make the pictures of the documentation anew: `make screenshots`. Needs chromium and the Noto fonts."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.gateway_process import CHROMIUM, ROOT, browsing, serving

_PORT = 8000  # it shows in the links of answers

_TALK = {
    "Sana": ["JOIN Sana Lahore NA-130 students", "WHERE Kalma Chowk", "REPORT no drinking water at gate 3"],
    "عائشہ": ["شامل عائشہ لاہور خواتین", "کہاں جوہر ٹاؤن", "شکایت گیٹ نمبر 3 پر پانی نہیں ہے"],
    "Bilal": ["shamil Bilal", "Qasur", "kahan hai bus"],
    "Grace": ["JOIN Grace Okafor", "lahor", "WHERE Liberty", "STOP"],
}


def talk(page: Page) -> None:
    """Text from every phone, and wait for each answer."""
    for name, texts in _TALK.items():
        phone = page.get_by_label(name, exact=True).and_(page.locator("section"))
        for text in texts:
            before = phone.locator(".to-phone").count()
            phone.locator("textarea").fill(text)
            phone.get_by_role("button", name="Send").click()
            phone.locator(".to-phone").nth(before).wait_for()


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as data, serving(Path(data), _PORT) as address, browsing() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/handset")
        talk(page)
        page.screenshot(path=folder / "handset.png")
        print(f"{folder / 'handset.png'}: {(folder / 'handset.png').stat().st_size // 1024} KB")


if __name__ == "__main__":
    if not Path(CHROMIUM).exists():
        sys.exit("The pictures need a browser: apt-get install chromium fonts-noto-core")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
