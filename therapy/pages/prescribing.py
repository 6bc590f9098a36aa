"""Where a prescriber begins: what waits for a signature, pumps that have stopped, findings to judge, outliers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinical.units import plain
from clinics.models import Clinic, User
from clinics.pages.access import user_of
from clinics.roles import Permission
from patients.models import Patient
from pumps.models import FleetCheck, Forecast
from pumps.pages.fleet import said
from pumps.pages.homes import recent
from pumps.pages.words import SEVERITY_WORDS
from pumps.services import outliers
from therapy.waiting import MOST, Waiting, signs_in, to_sign

# Of each list so many are shown; behind it is the page with all.
SHOWN = 10
GRAVEST_FIRST = ("block", "high", "warn", "info")


@dataclass(frozen=True)
class Line:
    """Something that waits for a signature."""

    patient: Patient
    clinic: Clinic
    what: str
    asked_at: datetime
    address: str


def prescribing(request: HttpRequest) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    clinic_ids = _signs_in(user)
    waiting = _lines(to_sign(user))
    stopped = list(_stopped(clinic_ids, now)[: SHOWN + 1])
    serious = _serious(clinic_ids, [row.pump_id for row in stopped])
    standing_out, checked = (
        outliers.gravest(clinic_ids, SHOWN + 1),
        FleetCheck.objects.exclude(finished_at=None).first(),
    )
    first = Clinic.objects.filter(pk__in=clinic_ids).first()
    context = {
        "waiting": waiting[:SHOWN],
        "waiting_count": len(waiting),
        "is_counted": len(waiting) < MOST,
        "stopped": [(row, _since(row)) for row in stopped[:SHOWN]],
        "stopped_left": len(stopped) > SHOWN,
        "serious": [(row, _worded(row.findings)) for row in serious[:SHOWN]],
        "serious_left": len(serious) > SHOWN,
        "standing_out": [(row, said(row.reasons)) for row in standing_out[:SHOWN]],
        "checked_at": checked.finished_at if checked is not None else None,
        "zone": first.zone if first is not None else UTC,
        "standing_out_left": len(standing_out) > SHOWN,
        **recent(user, now),
    }
    return render(request, "therapy/home_prescriber.html", context)


def _signs_in(user: User) -> list[int]:
    if not user.access.can_somewhere(Permission.SIGN_DOSE):
        raise PermissionDenied(_("A prescriber signs doses; your role does not."))
    return signs_in(user)


def _lines(waiting: Waiting) -> list[Line]:
    """What waits, the oldest first."""
    stop, taper, made = _("stop"), _("a taper"), _("%(dose)s mcg/day, made without a signature")
    lines = [
        *(
            Line(
                each.patient,
                each.clinic,
                _("%(dose)s mcg/day") % {"dose": plain(each.daily_dose_mcg)} if each.daily_dose_mcg else stop,
                each.proposed_at,
                reverse("proposal", args=[each.pk]),
            )
            for each in waiting.proposals
        ),
        *(
            Line(each.patient, each.clinic, taper, each.drafted_at, reverse("weaning_plan", args=[each.pk]))
            for each in waiting.weaning_plans
        ),
        *(
            Line(
                each.event.pump.patient,
                each.clinic,
                made % {"dose": plain(each.event.daily_dose_mcg)} if each.event.daily_dose_mcg else stop,
                each.asked_at,
                reverse("sign_dose", args=[each.event.pump.patient_id, each.event_id]),
            )
            for each in waiting.doses
        ),
    ]
    return sorted(lines, key=lambda line: line.asked_at)


def _stopped(clinic_ids: list[int], now: datetime) -> Any:
    """Pumps that have stopped or stall, which is a reason not to know their date: a part of one index."""
    rows = Forecast.objects.filter(clinic__in=clinic_ids).exclude(unknown_reason="").on_worklist()
    rows = rows.filter(Q(stopped_at__lte=now) | Q(stalled_at__isnull=False))
    return rows.select_related("pump__patient", "pump__model", "clinic")


def _since(row: Forecast) -> datetime | None:
    return row.stalled_at if row.stopped_at is None else row.stopped_at


def _serious(clinic_ids: list[int], without: list[int]) -> list[Forecast]:
    """Pumps with a serious finding, the most urgent first, beside those that are named already."""
    rows = Forecast.objects.filter(clinic__in=clinic_ids).serious().exclude(pump__in=without)
    return list(rows.select_related("pump__patient", "pump__model", "clinic")[: SHOWN + 1])


def _worded(findings: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Those that somebody has to judge, the gravest first."""
    judged = [finding for finding in findings if finding["severity"] != "info"]
    ordered = sorted(judged, key=lambda finding: GRAVEST_FIRST.index(finding["severity"]))
    return [{**finding, "word": str(SEVERITY_WORDS[finding["severity"]])} for finding in ordered]
