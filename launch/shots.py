"""`bin/shots`: pictures of every page of the demo, for docs/screens. `bin/shots NAME…`: of these pages alone.

Each page stands in `launch/shown.py` with the role that works on it. A page that cannot be found, or answers with an
error, fails the run, so the list stays true.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from launch import chromium, console, demo, shown
from launch.bootstrap import ROOT, Refusal
from launch.shown import Shown

FOLDER = ROOT / "docs" / "screens"
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
# A page is shown to so many pixels from its top: what is below repeats.
LONGEST = 2400
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def main(arguments: list[str]) -> int:
    os.chdir(ROOT)
    browser_path = chromium.find_or_install()
    if browser_path is None:
        raise Refusal("Pictures need a chromium on the PATH.")
    unknown = set(arguments) - {page.name for page in shown.PAGES}
    if unknown:
        raise Refusal(f"No page is called {', '.join(sorted(unknown))}: launch/shown.py lists them.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo.running() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        wanted = [page for page in shown.PAGES if not arguments or page.name in arguments]
        failed = [said for size in SIZES for said in _of_size(browser, base, size, wanted)]
    if not arguments:
        _write_index()
    for said in failed:
        console.warn(said)
    return int(bool(failed))


def _of_size(browser: Browser, base: str, size: str, wanted: Sequence[Shown]) -> Iterator[str]:
    """Take each picture; give what went wrong."""
    for role in dict.fromkeys(page.role for page in wanted):
        context = browser.new_context(viewport=SIZES[size], base_url=base, reduced_motion="reduce")
        page = context.new_page()
        if role:
            _log_in(page, role)
        found: dict[str, str] = {}
        for each in (each for each in wanted if each.role == role):
            path = each.path or _found(page, each, found)
            answer = page.goto(path) if path else None
            if answer is None or answer.status >= 400:
                yield f"{each.name} ({size}): {path or 'no link to it'} {answer.status if answer else ''}"
                continue
            for opened in each.opened:
                page.locator(opened).first.click()
            page.wait_for_load_state("networkidle")
            _keep(page, FOLDER / f"{each.name}-{size}.webp")
        context.close()


def _log_in(page: Page, role: str) -> None:
    page.goto("/login/")
    page.locator("input[name=login]").fill(f"{role}@demo.example")
    page.locator("input[name=password]").fill(demo.PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.locator("h1").first.wait_for()


def _found(page: Page, each: Shown, known: dict[str, str]) -> str:
    """The address of a page that is reached by links: each step is a page and the link there to take."""
    at = ""
    for start, link in each.steps:
        place = f"{start or at} {link}"
        if place not in known:
            page.goto(start or at)
            target = page.locator(link).first
            known[place] = (target.get_attribute("href") or "") if target.count() else ""
        at = known[place]
        if not at:
            return ""
    return at + each.below


def _keep(page: Page, path: Path) -> None:
    taken = Image.open(BytesIO(page.screenshot(full_page=True)))
    taken.crop((0, 0, taken.width, min(taken.height, LONGEST))).save(path, "WEBP", quality=70, method=6)


def _write_index() -> None:
    lines = ["# Screens", "", "Every page of the demo, taken by `bin/shots`.", ""]
    for page in shown.PAGES:
        lines += [f"## {page.title}", "", f"![{page.title}, desk]({page.name}-desk.webp)", ""]
        lines += [f"![{page.title}, phone]({page.name}-phone.webp)", ""]
    (FOLDER / "README.md").write_text("\n".join(lines))


if __name__ == "__main__":
    console.run(main)
