"""Every look can be read: the contrast of its tokens, computed from the style sheets by WCAG's own formula."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

STYLES = Path(__file__).resolve().parents[2] / "static/brim"
Tokens = dict[str, str]
DARK = "@media (prefers-color-scheme: dark)"

STATES = ("empty", "low", "past", "urgent", "unbooked", "book", "unknown", "good")
GROUNDS = ("ground", "surface", "sunk")
# Text: what is written on what.
TEXT = [
    *((ink, ground) for ink in ("ink", "muted", "brand", "brand-deep", "error") for ground in GROUNDS),
    *((f"{state}-ink", f"{state}-bg") for state in STATES),
    ("later-ink", "surface"),
    ("brand-deep", "brand-soft"),
    ("on-brand", "brand"),
    ("on-brand", "brand-deep"),
]
# What is seen but not read: the focus, the edge of a control, of a row, a level, a line of a plot.
SEEN = [
    *((part, ground) for part in ("focus", "control") for ground in GROUNDS),
    *((f"{state}-edge", "surface") for state in ("urgent", "unbooked", "book")),
    *((part, "surface") for part in ("level", "plot-programmed", "plot-expected")),
]


def declared(css: str) -> Tokens:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6}|var\(--[\w-]+\))\s*;", css))


def looks() -> dict[str, Tokens]:
    light = declared((STYLES / "brim.css").read_text())
    dark = declared((STYLES / "look-dark.css").read_text())
    contrast, contrast_dark = (STYLES / "look-contrast.css").read_text().split(DARK)
    bright = light | declared(contrast)
    return {
        "light": light,
        "dark": light | dark,
        "contrast": bright,
        "contrast in the dark": bright | declared(contrast_dark),
    }


LOOKS = looks()


def colour(tokens: Tokens, name: str) -> str:
    value = tokens[name]
    return colour(tokens, value[6:-1]) if value.startswith("var(") else value


def luminance(value: str) -> float:
    parts = (int(value[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def too_faint(tokens: Tokens, pairs: list[tuple[str, str]], least: float) -> Iterator[str]:
    for ink, ground in pairs:
        found = ratio(colour(tokens, ink), colour(tokens, ground))
        if found < least:
            yield f"{ink} on {ground}: {found:.2f}"


def test_the_formula_knows_black_on_white() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_can_be_read(look: str) -> None:
    least = 7 if look.startswith("contrast") else 4.5
    assert list(too_faint(LOOKS[look], TEXT, least)) == []
    assert list(too_faint(LOOKS[look], SEEN, 3)) == []


@pytest.mark.parametrize("look", LOOKS)
def test_links_have_the_brand_for_bootstrap_too(look: str) -> None:
    """Bootstrap wants the colour of a link in decimal parts."""
    sheets = {"light": "brim.css", "dark": "look-dark.css"}
    css = (STYLES / sheets.get(look, "look-contrast.css")).read_text()
    css = css.split(DARK)[look == "contrast in the dark"] if look.startswith("contrast") else css
    for name, token in (("link-color", "brand"), ("link-hover-color", "brand-deep")):
        [parts] = re.findall(rf"--bs-{name}-rgb: (\d+), (\d+), (\d+);", css)
        assert "#" + "".join(f"{int(part):02x}" for part in parts) == LOOKS[look][token]


def test_a_rule_names_a_token_never_a_colour() -> None:
    """But for tokens themselves, shadows, and a code that cameras read."""
    css = (STYLES / "brim.css").read_text()
    rules = css[css.index("/* --- ground") :]
    found = [line for line in rules.splitlines() if re.search(r"#[0-9a-f]{3,6}\b", line) and ".qr" not in line]
    assert found == []


# The patients' pages know old phones, which know only left and right; it turns them round itself.
@pytest.mark.parametrize("sheet", sorted({path.name for path in STYLES.glob("*.css")} - {"portal.css"}))
def test_no_rule_knows_left_from_right(sheet: str) -> None:
    """So that a page turns round in a language that is written from the right."""
    css = (STYLES / sheet).read_text()
    directed = r"(?:margin|padding|border)-(?:left|right)|(?:text-align|float): (?:left|right)|[{;]\s*(?:left|right):"
    found = [line for line in css.splitlines() if re.search(directed, line)]
    assert found == []
