"""Where an administrator begins: what is missing, whether the engine is at work, imports, and the way to everything."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts.services import engine, oncall
from clinics.models import Clinic, Membership
from clinics.pages.access import user_of
from clinics.roles import Permission, Role
from clinics.second_factor import who_has_one
from clinics.services import jobs as work
from interop import jobs
from pumps.pages.homes import clinics_with, recent
from pumps.services import fleet

# So many clinics are looked at, and so many imports shown.
MOST_CLINICS, JOBS_SHOWN = 50, 5


@dataclass(frozen=True)
class Missing:
    """Something a clinic cannot do without, and where it is put right."""

    words: str
    address: str


@dataclass(frozen=True)
class Watched:
    clinic: Clinic
    people: int
    with_factor: int
    missing: Sequence[Missing]


def administration(request: HttpRequest) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    if not user.access.can_somewhere(Permission.ADMINISTER):
        raise PermissionDenied(_("Your role does not include running a clinic."))
    clinics = clinics_with(user, Permission.ADMINISTER)
    context = {
        "watched": _watched(clinics[:MOST_CLINICS], now),
        "more_clinics": len(clinics) > MOST_CLINICS,
        "engine": engine.state(now=now, late_pumps=fleet.late_pumps(now)),
        "is_without_mail": settings.MAIL_TO_FILES,
        "imports": jobs.visible_to(user)[:JOBS_SHOWN],
        "work": work.own(user)[:JOBS_SHOWN],
        "may_open": user.access.can_everywhere(Permission.ADMINISTER),
        **recent(user, now),
    }
    return render(request, "interop/administration.html", context)


def _watched(clinics: Sequence[Clinic], now: datetime) -> list[Watched]:
    """Each clinic with what it lacks: six queries, however many."""
    ids = [clinic.pk for clinic in clinics]
    held: dict[int | None, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    rows = Membership.objects.filter(Q(clinic__in=ids) | Q(clinic=None), user__is_active=True)
    for clinic_id, role, user_id in rows.values_list("clinic_id", "role", "user_id"):
        held[clinic_id][role].add(user_id)
    on_duty = oncall.on_call(ids, now)
    everybody = {pk for roles in held.values() for people in roles.values() for pk in people}
    with_factor = who_has_one(list(everybody))
    return [_one(clinic, held, with_factor, clinic.pk in on_duty) for clinic in clinics]


def _one(clinic: Clinic, held: Any, with_factor: set[int], has_duty: bool) -> Watched:
    def holding(role: Role) -> set[int]:
        return {*held[clinic.pk][role], *held[None][role]}

    people = set().union(*(holding(role) for role in Role))
    secured = people & with_factor
    to_people, to_settings = reverse("people", args=[clinic.pk]), reverse("clinic_settings", args=[clinic.pk])
    told = [
        (not holding(Role.PRESCRIBER), _("Nobody signs doses: invite a prescriber."), to_people),
        (not holding(Role.NURSE), _("There is no nurse: invite one."), to_people),
        (not has_duty, _("Nobody is on call."), reverse("clinic_on_call", args=[clinic.pk])),
        (
            clinic.patient_messages_since is None,
            _("Messages to patients are off until you press go-live."),
            reverse("clinic_go_live", args=[clinic.pk]),
        ),
        (not clinic.phone, _("Patients are given no number to call: write the clinic's."), to_settings),
        (
            not secured,
            _("Nobody here logs in with a second factor. Begin with your own; you can also require it."),
            reverse("mfa_index"),
        ),
    ]
    missing = [Missing(words, address) for is_missing, words, address in told if is_missing]
    return Watched(clinic, len(people), len(secured), missing)
