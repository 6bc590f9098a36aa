"""The pages of which docs/screens has pictures, each with whose it is and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass, field

PUMP = 'main a[href^="/pumps/"]'
# A link to a pump's page itself, on the worklist.
FIRST_PUMP = (("/worklist/", 'main a[href^="/pumps/"]:not([href*="visit"])'),)


@dataclass(frozen=True)
class Shown:
    """`path` where it is known; else `steps`: a page (blank: the last one found) and the link to take; then `below`."""

    name: str
    title: str
    role: str
    path: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    below: str = ""
    # What is clicked before the picture is taken.
    opened: tuple[str, ...] = field(default=())


PAGES: tuple[Shown, ...] = ()
