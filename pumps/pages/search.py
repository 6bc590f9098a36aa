"""Find anyone from any page: while typing, and on a page of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts.services.lifecycle import Policy, policies
from clinics.models import Clinic, User
from clinics.pages import user_of
from clinics.roles import Permission
from patients.models import Patient
from patients.viewings import recent_patients
from pumps.models import Pump
from pumps.pages.words import Urgency, urgency
from pumps.queries import patients_matching

# While typing so many are shown, on the page so many.
WHILE_TYPING, ON_PAGE = 8, 50


@dataclass(frozen=True)
class Row:
    """Somebody found, with the pump that is in use or whose serial number was asked for."""

    patient: Patient
    pump: Pump | None
    urgency: Urgency | None
    refill_by: datetime | None
    sees_clinical: bool
    address: str


def search(request: HttpRequest) -> HttpResponse:
    """Whoever matches; without a word to match, the patients opened last. As a list for the header's search, if htmx
    asks for it."""
    user, now = user_of(request), timezone.now()
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    is_typing = request.headers.get("HX-Target") == "found"
    most = WHILE_TYPING if is_typing else ON_PAGE
    found = matching(text, user, most + 1) if text else recent_patients(user)
    context = {
        "text": text,
        "rows": rows_of(found[:most], user, text, now),
        "is_more": len(found) > most,
        "said": _said(len(found), most),
        "may_enter": user.access.can_somewhere(Permission.LOG),
        "several": belongs_to_several(user),
    }
    if is_typing:
        # A part of a page: what only whole pages say is not asked for at each letter.
        return HttpResponse(render_to_string("pumps/search_found.html", context))
    return render(request, "pumps/search.html", context)


def _said(count: int, most: int) -> str:
    if count > most:
        return _("More than %(count)s found") % {"count": most}
    if count == 0:
        return _("Nobody found")
    return ngettext("%(count)s found", "%(count)s found", count) % {"count": count}


def belongs_to_several(user: User) -> bool:
    """Whether a clinic has to be named for the user to tell."""
    ids = user.access.clinic_ids
    return Clinic.objects.all()[:2].count() > 1 if ids is None else len(ids) > 1


def matching(text: str, user: User, most: int) -> list[Patient]:
    """Whose MRN it is first, then those in care, by name."""
    whose = Case(When(mrn__iexact=text, then=Value(0)), default=Value(1))
    in_care = Case(When(status=Patient.Status.ACTIVE, then=Value(0)), default=Value(1))
    found = patients_matching(Pump.objects.all(), text, user)
    ordered = found.order_by(whose, in_care, "family_name", "given_name", "pk")
    return list(ordered.select_related("clinic")[:most])


def rows_of(patients: Sequence[Patient], user: User, text: str, now: datetime) -> list[Row]:
    """With their pumps: one query for these and one for ladders, however many."""
    pumps: dict[int, list[Pump]] = {}
    of_these = Pump.objects.filter(patient__in=[patient.pk for patient in patients])
    for pump in of_these.select_related("forecast").order_by("-pk"):
        pumps.setdefault(pump.patient_id, []).append(pump)
    by_clinic = policies({patient.clinic_id for patient in patients})
    return [_row(each, pumps.get(each.pk, []), user, text, by_clinic[each.clinic_id], now) for each in patients]


def _row(patient: Patient, pumps: Sequence[Pump], user: User, text: str, policy: Policy, now: datetime) -> Row:
    words = text.upper().split()
    asked = [pump for pump in pumps if any(pump.serial_number.upper().startswith(word) for word in words)]
    pump = next(iter([*asked, *(pump for pump in pumps if pump.forecast.in_use)]), None)
    row = pump.forecast if pump is not None and pump.forecast.in_use else None
    return Row(
        patient=patient,
        pump=pump,
        urgency=urgency(row, policy.of(patient.flags), now) if row is not None else None,
        refill_by=row.refill_by if row is not None else None,
        sees_clinical=user.access.can(Permission.SEE_CLINICAL, patient.clinic_id),
        address=reverse("pump", args=[asked[0].pk]) if asked else reverse("patient", args=[patient.pk]),
    )
