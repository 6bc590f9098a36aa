"""Where each role begins: the page that shows what is theirs to do."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinics.models import User
from clinics.roles import Role

# Whoever has several roles begins at the first of them, and is offered the others.
HOMES: dict[Role, tuple[str, Promise | str]] = {
    Role.PRESCRIBER: ("prescribing", _("Prescribing")),
    Role.NURSE: ("today", _("Today")),
    Role.SCHEDULER: ("worklist", _("Worklist")),
    Role.ADMINISTRATOR: ("administration", _("Administration")),
    Role.PHARMACIST: ("preparing", _("Preparing")),
    Role.AUDITOR: ("audit", _("Who did what")),
}


@dataclass(frozen=True)
class Home:
    name: str
    words: Promise | str
    address: str


def homes_of(user: User) -> list[Home]:
    """The homes of a person's roles, the first being theirs."""
    held = user.access.everywhere.union(*user.access.by_clinic.values())
    return [_home(*HOMES[role]) for role in HOMES if role in held] or [_home(*HOMES[Role.SCHEDULER])]


def _home(name: str, words: Promise | str) -> Home:
    return Home(name, words, reverse(name))
