"""Lighthouse on the worklist and a patient's and a pump's page of the demo, as a phone and as a desk."""

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from django.urls import reverse

from bench._fleet import say
from launch import chromium, demo
from launch.bootstrap import npm

PACKAGES = Path(__file__).resolve().parent / "npm"
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
# Each category with the least score that will do, of 100.
LEAST = {"accessibility": 95, "best-practices": 95, "performance": 90}
RUNS = 3


def main() -> int:
    browser = chromium.find_or_install()
    if browser is None:
        sys.exit("Lighthouse needs a chromium on the PATH.")
    subprocess.run(
        [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=PACKAGES, check=True
    )
    missed = False
    with demo.running() as base, tempfile.TemporaryDirectory(prefix="brim-bench-") as folder:
        cookie, paths = _nurse(base)
        say(f"{'page':12} {'as':8} " + " ".join(f"{name:>15}" for name in LEAST) + "   first load")
        for name, path in paths.items():
            for preset in ("phone", "desk"):
                found = [_asked(browser, base + path, cookie, preset, Path(folder)) for _ in range(RUNS)]
                scores = {category: sorted(each[0][category] for each in found)[RUNS // 2] for category in LEAST}
                missed |= any(scores[category] < least for category, least in LEAST.items())
                said = " ".join(f"{scores[category]:>15}" for category in LEAST)
                say(f"{name:12} {preset:8} {said}   {found[-1][1] / 1000:.0f} kB")
                for line in sorted(found[-1][2]):
                    say(f"    {line}")
    return int(missed)


def _nurse(base: str) -> tuple[str, dict[str, str]]:
    """A nurse's cookie, and the pages to look at."""
    jar = http.cookiejar.CookieJar()
    opener = build_opener(HTTPCookieProcessor(jar))
    token = _token(_read(opener, f"{base}/login/"))
    form = {"csrfmiddlewaretoken": token, "login": "nurse@demo.example", "password": demo.PASSWORD}
    opener.open(f"{base}/login/", urlencode(form).encode())
    worklist = _read(opener, base + reverse("worklist"))
    pump = re.search(r'href="(/pumps/\d+/)"', worklist)
    if pump is None:
        sys.exit("The demo's worklist names no pump.")
    patient = re.search(r'href="(/patients/\d+/)"', _read(opener, base + pump[1]))
    pages = {"worklist": reverse("worklist"), "pump": pump[1]} | ({"patient": patient[1]} if patient else {})
    return "; ".join(f"{each.name}={each.value}" for each in jar), pages


def _read(opener: OpenerDirector, address: str) -> str:
    with opener.open(address) as answer:
        return str(answer.read().decode())


def _token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    return found[1] if found else ""


def _asked(browser: str, address: str, cookie: str, preset: str, folder: Path) -> tuple[dict[str, int], int, set[str]]:
    """Scores by category, bytes of a first load, and what was found fault with."""
    headers, told = folder / "headers.json", folder / "told.json"
    headers.write_text(json.dumps({"Cookie": cookie}))
    command = [
        "node", str(PACKAGES / "node_modules/lighthouse/cli/index.js"), address, "--quiet", "--output=json",
        f"--output-path={told}", f"--chrome-flags={FLAGS}", f"--extra-headers={headers}", "--no-enable-error-reporting",
        f"--only-categories={','.join(LEAST)}", *(["--preset=desktop"] if preset == "desk" else []),
    ]  # fmt: skip
    subprocess.run(command, env={**os.environ, "CHROME_PATH": browser}, check=True, capture_output=True, text=True)
    report = json.loads(told.read_text())
    scores = {name: round(100 * report["categories"][name]["score"]) for name in LEAST}
    faults = {
        f"{name}: {reference['id']}"
        for name in ("accessibility", "best-practices")
        for reference in report["categories"][name]["auditRefs"]
        if reference["weight"] and report["audits"][reference["id"]]["score"] not in (None, 1)
    }
    return scores, int(report["audits"]["total-byte-weight"]["numericValue"]), faults


if __name__ == "__main__":
    sys.exit(main())
