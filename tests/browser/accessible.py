"""What axe-core says of a page."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
# And staying there: a part that has just come may take the focus, and the page along, a moment later.
TO_THE_TOP = """async () => {
  const pause = () => new Promise((done) => setTimeout(done, 60));
  for (let still = 0, round = 0; still < 2 && round < 50; round += 1) {
    scrollTo({top: 0, behavior: "instant"});
    await pause();
    still = scrollY === 0 ? still + 1 : 0;
  }
}"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[str]:
    """What axe-core finds. It is given to the page by the browser itself, past the page's own rules for scripts.

    From the top of the page: what has scrolled half under the header is not a small target.
    """
    page.evaluate(TO_THE_TOP)
    page.evaluate(AXE.read_text())
    wanted = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = page.evaluate("(wanted) => axe.run(wanted)", wanted)
    assert len(found["passes"]) > 5
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]
