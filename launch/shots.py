"""`bin/shots`: pictures of every page of the demo, for docs/screens. `bin/shots NAME…`: of these pages alone.

Each page stands in `launch/shown.py` with the role that works on it. A page that cannot be found, or answers with an
error, fails the run, so the list stays true.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from io import BytesIO

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from launch import chromium, console, demo, shown
from launch.bootstrap import ROOT, Refusal
from launch.shown import Shown

FOLDER = ROOT / "docs" / "screens"
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 1200}}
# The desk's page is shown down to so many pixels from its top; a phone's as one long screen, its bar at the foot.
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
        ids = _ids(browser, base)
        failed = [said for size in SIZES for said in _of_size(browser, base, size, wanted, ids)]
        browser.close()
    if not arguments:
        _write_index()
    for said in failed:
        console.warn(said)
    return int(bool(failed))


def _ids(browser: Browser, base: str) -> dict[str, str]:
    """What stands for an id in a path, as the demo's own pages link to it; blank where they do not."""
    page = _as(browser, base, shown.FINDER, "desk")
    ids: dict[str, str] = {}
    for name, (start, link) in shown.FOUND.items():
        page.goto(start.format(**ids))
        addresses = page.locator(f'main a[href^="{link}"]').evaluate_all("links => links.map(a => a.pathname)")
        numbers = (address.removeprefix(link).split("/")[0] for address in addresses)
        ids[name] = next((number for number in numbers if number.isdecimal()), "")
    ids["link"] = _patients_link(page)
    page.context.close()
    return ids


def _patients_link(page: Page) -> str:
    """The token of a link in a message to a patient: the first there is."""
    page.goto("/messages/")
    messages = page.locator('main a[href^="/messages/"]').evaluate_all("links => links.map(a => a.pathname)")
    for message in messages:
        page.goto(message)
        links = page.locator('main a[href*="/v/"]').evaluate_all("links => links.map(a => a.pathname)")
        if links:
            return str(links[0]).removeprefix("/v/").split("/")[0]
    return ""


def _of_size(browser: Browser, base: str, size: str, wanted: Sequence[Shown], ids: dict[str, str]) -> Iterator[str]:
    """Take each picture; give what went wrong."""
    for role in dict.fromkeys(each.role for each in wanted):
        page = _as(browser, base, role, size)
        for each in (each for each in wanted if each.role == role):
            path = each.path.format(**ids)
            answer = page.goto(path)
            if answer is None or answer.status >= 400 or "//" in path:
                yield f"{each.name} ({size}): {path} answered {answer.status if answer else 'nothing'}"
                continue
            for opened in each.opened:
                page.locator(opened).first.click()
            page.wait_for_load_state("networkidle")
            taken = Image.open(BytesIO(page.screenshot(full_page=size == "desk")))
            shortened = taken.crop((0, 0, taken.width, min(taken.height, LONGEST)))
            shortened.save(FOLDER / f"{each.name}-{size}.webp", "WEBP", quality=70, method=6)
        page.context.close()


def _as(browser: Browser, base: str, role: str, size: str) -> Page:
    """A window in which somebody of the role is logged in; nobody without a role."""
    page = browser.new_context(viewport=SIZES[size], base_url=base, reduced_motion="reduce").new_page()
    if role:
        page.goto("/login/")
        page.locator("input[name=login]").fill(f"{role}@demo.example")
        page.locator("input[name=password]").fill(demo.PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.locator("body[data-user] h1").first.wait_for()
    return page


def _write_index() -> None:
    lines = ["# Screens", "", "Every page of the demo in its role's hands, taken by `bin/shots`.", ""]
    for page in shown.PAGES:
        lines += [f"## {page.title}", "", f"![{page.title}, desk]({page.name}-desk.webp)", ""]
        lines += [f"![{page.title}, phone]({page.name}-phone.webp)", ""]
    (FOLDER / "README.md").write_text("\n".join(lines))


if __name__ == "__main__":
    console.run(main)
