"""What the navigation offers to whom: a few links at hand, all others behind "More", each with its keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinics.models import User
from clinics.roles import Permission, Role


@dataclass(frozen=True)
class Link:
    """`keys` are pressed one after the other; `is_thumb` is for a phone, where only four have room."""

    name: str
    words: Promise
    address: str
    keys: str = ""
    is_thumb: bool = False
    count: str = ""

    @property
    def section(self) -> str:
        """The part of the product in which this link is marked; the calendar is of visits."""
        return "visits" if self.name == "calendar" else self.name

    @property
    def strokes(self) -> list[str]:
        return self.keys.split()


@dataclass(frozen=True)
class Links:
    home: str
    main: list[Link]
    more: list[Link]

    @property
    def with_keys(self) -> list[Link]:
        return [link for link in (*self.main, *self.more) if link.keys]


def links_for(user: User) -> Links:
    """The navigation of a person, by what their roles may see."""
    main = list(_main(user))
    return Links(home=_address("home"), main=main, more=list(_more(user)))


def _main(user: User) -> Iterator[Link]:
    signs, thumbs = user.access.can_somewhere(Permission.SIGN_DOSE), _thumbs(user)
    wanted = [
        ("home", _("Home"), "g h", ""),
        ("worklist", _("Worklist"), "g w", ""),
        ("calendar", _("Calendar"), "g c", ""),
        ("patient_list", _("Patients"), "g p", ""),
        *([("to_sign", _("To sign"), "g s", "to_sign")] if signs else []),
        ("alerts", _("Alerts"), "g a", "alerts"),
    ]
    for name, words, keys, count in wanted:
        if name == "home" and _is_at_home_on_the_worklist(user):
            continue
        yield _link(name, words, keys, is_thumb=name in thumbs, count=count)


def _more(user: User) -> Iterator[Link]:
    sees, runs = user.access.can_somewhere(Permission.SEE_CLINICAL), user.access.can_somewhere(Permission.ADMINISTER)
    yield _link("visits", _("Visits by day"), "g v")
    if user.access.can_somewhere(Permission.LOG):
        yield _link("today", _("Today's refills"), "g t")
    yield _link("call_list", _("Call list"), "g l")
    yield _link("on_call", _("On call"))
    yield _link("messages", _("Messages"), "g m")
    if sees:
        yield _link("fleet", _("Fleet"), "g f")
    yield _link("calculators", _("Calculators"))
    yield _link("catalogue", _("Pump models"))
    yield _link("clinic_list", _("Clinics"))
    if runs:
        yield _link("imports", _("Import"))
        yield _link("engine", _("Engine"))
    if runs or user.access.can_somewhere(Permission.AUDIT):
        yield _link("audit", _("Who did what"))
    if sees:
        yield _link("jobs", _("Long work"))


def _link(name: str, words: Promise, keys: str = "", *, is_thumb: bool = False, count: str = "") -> Link:
    return Link(name, words, _address(name), keys, is_thumb, count)


# Asked for every link of every page; addresses do not change while Brim runs.
_address = cache(reverse)


def _roles(user: User) -> frozenset[Role]:
    return user.access.everywhere.union(*user.access.by_clinic.values())


def _is_at_home_on_the_worklist(user: User) -> bool:
    return _roles(user) <= {Role.SCHEDULER}


def _thumbs(user: User) -> set[str]:
    if _is_at_home_on_the_worklist(user):
        return {"worklist", "calendar", "patient_list", "alerts"}
    if user.access.can_somewhere(Permission.SIGN_DOSE):
        return {"home", "worklist", "to_sign", "alerts"}
    return {"home", "worklist", "patient_list", "alerts"}
