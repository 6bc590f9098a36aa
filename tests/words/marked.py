"""What of a template is not marked for translation: text, names of controls and values given in words."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import DebugLexer, Token, TokenType

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
READ_OUT = {
    "title",
    "aria-label",
    "aria-description",
    "placeholder",
    "alt",
    "label",
    "data-said",
    "data-label",
    "data-unreached",
    "data-unknown",
}
# Names, units and signs that are the same in every language.
SAME = re.compile(
    r"\b(Brim|MRN|mcg/day|mL/day|mcg/mL|mcg|mL|mmHg|mg|kg|cm|mm|UTC|CSV|PDF|API|JSON|FHIR|QR|h|min|x|en|width=device-width|initial-scale"
    r"|light|dark|no-referrer|noindex|none|telephone=no|Ctrl|Alt|Esc|bin/manage \w+)\b"
)
LETTERS = re.compile(r"[^\W\d_]")
LITERAL = re.compile(r"""(?<![\w(])(?:(\w+)[=:])(["'])((?:(?!\2).)*)\2""")
# What takes a word that nobody reads: a class, an address, a format.
UNREAD = {
    "css",
    "date",
    "time",
    "button_id",
    "back",
    "cut",
    "kind",
    "name",
    "add",
    "part",
    "urlencode",
    "pluralize",
    "picture_id",
    "stringformat",
    "modes",
    "mode_id",
    "json_script",
    "field",
}
# What names one of several things to an included part.
CODE = re.compile(r"[a-z]+(_[a-z]+)+|volume")
MARKERS = ("blocktranslate", "blocktrans")


def has_words(text: str) -> bool:
    return LETTERS.search(SAME.sub("", text)) is not None


def unmarked(path: Path) -> list[str]:
    tokens = DebugLexer(path.read_text()).tokenize()
    found = [word for token in tokens for word in _literals(token)]
    text = "".join(_outside(tokens))
    if path.suffix != ".html":
        return found + [line.strip() for line in text.splitlines() if has_words(line)]
    page = _Page()
    page.feed(text)
    page.close()
    return found + page.found


def _literals(token: Token) -> Iterator[str]:
    """Words given to a filter or an included part: they stand as `_("…")` or `{% translate … as … %}`."""
    if token.token_type not in (TokenType.VAR, TokenType.BLOCK):
        return
    name = token.contents.split()[0]
    if token.token_type == TokenType.BLOCK and name not in ("include", "with", "firstof", *MARKERS):
        return
    for key, quote, value in LITERAL.findall(token.contents):
        is_class = quote == "'" and value.islower() and " " not in value
        if key not in UNREAD and not is_class and not CODE.fullmatch(value) and has_words(value):
            yield value


def _outside(tokens: list[Token]) -> Iterator[str]:
    """The text outside of what is marked, comments and variables."""
    skipping = ""
    for token in tokens:
        name = token.contents.split()[0] if token.token_type == TokenType.BLOCK else ""
        if skipping:
            skipping = "" if name == f"end{skipping}" else skipping
        elif name in (*MARKERS, "comment"):
            skipping = name
        elif token.contents == "block body_class":
            skipping = "block"
        elif token.token_type == TokenType.TEXT:
            yield token.contents


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style", "code", "svg", "kbd")
        if tag in ("meta", "link", "script"):
            return
        self.found += [f'{name}="{value}"' for name, value in attrs if name in READ_OUT and has_words(value or "")]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style", "code", "svg", "kbd")

    def handle_data(self, data: str) -> None:
        if not self.silent and has_words(data):
            self.found.append(" ".join(data.split()))
