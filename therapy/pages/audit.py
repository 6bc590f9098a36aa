"""Who did what in a clinic, for auditors and administrators: on a page, and as a file."""

import csv
import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinics import paging
from clinics.fields import NOT_A_CHOICE, Day
from clinics.models import Clinic, User
from clinics.pages.access import user_of
from clinics.roles import Permission
from patients.models import Patient
from patients.viewings import file_is_of, people_of
from therapy.audits import KINDS, SOURCES, Asked, Line, Position, Shown, lines_of, shown

# What is shown at first.
DAYS = 30
# A file holds so many lines at most, fetched so many at a time.
MOST_LINES, AT_A_TIME = 20_000, 500
_PLACE = re.compile(r"(\d{1,2})-(.+)", re.ASCII)


class AuditForm(forms.Form):
    clinic = forms.ModelChoiceField(
        Clinic.objects.none(),
        label=gettext_lazy("Clinic"),
        empty_label=None,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    person = forms.ModelChoiceField(
        User.objects.none(),
        label=gettext_lazy("Person"),
        required=False,
        empty_label=gettext_lazy("Everybody"),
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    mrn = forms.CharField(label=gettext_lazy("MRN of a patient"), required=False, max_length=64)
    since = Day(label=gettext_lazy("From"))
    until = Day(label=gettext_lazy("Until"))
    kind = forms.ChoiceField(
        label=gettext_lazy("What"), required=False, choices=[("", gettext_lazy("All")), *KINDS.items()]
    )

    def __init__(self, *args: Any, clinics: list[Clinic], clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields
        choices["clinic"].queryset = Clinic.objects.filter(pk__in=[each.pk for each in clinics])
        choices["person"].queryset = people_of(clinic.pk)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", _("This day lies before the first."))
        if values.get("clinic") and values.get("mrn"):
            values["patient"] = Patient.objects.filter(clinic=values["clinic"], mrn=values["mrn"].strip()).first()
            if values["patient"] is None:
                self.add_error("mrn", _("No patient of this clinic has this MRN."))
        return values


def audit(request: HttpRequest) -> HttpResponse:
    """Filtered by clinic, person, patient, days and kind, newest first."""
    clinics = _audited(user_of(request))
    if not clinics:
        return render(request, "therapy/audit.html", {})
    form, clinic = _form(request, clinics)
    asked = _asked(form) if form.is_valid() else None
    found = lines_of(asked, _position(request.GET.get("after", "")), paging.PAGE_SIZE + 1) if asked is not None else []
    page = paging.page_of(request, found, _written)
    context = {
        "form": form,
        "clinic": clinic,
        "page": page,
        "lines": [(each, _address(each, clinic)) for each in shown(page.rows)],
        "query": request.GET.urlencode(),
        "is_asked": asked is not None,
        "wants_one": asked is not None and asked.person is None and asked.patient is None,
    }
    return render(request, "therapy/audit.html", context)


def _form(request: HttpRequest, clinics: list[Clinic]) -> tuple[AuditForm, Clinic]:
    """The form as it was sent, or with the last days of the first clinic."""
    sent = (request.POST if request.method == "POST" else request.GET).copy()
    asked = paging.read_id(sent.get("clinic", ""))
    clinic = next((each for each in clinics if each.pk == asked), clinics[0])
    today = timezone.now().astimezone(clinic.zone).date()
    sent.setdefault("clinic", str(clinic.pk))
    sent.setdefault("since", (today - timedelta(days=DAYS)).isoformat())
    sent.setdefault("until", today.isoformat())
    return AuditForm(sent, clinics=clinics, clinic=clinic), clinic


def _audited(user: User) -> list[Clinic]:
    """The clinics of which a person may know who did what."""
    may = (Permission.AUDIT, Permission.ADMINISTER)
    if not any(user.access.can_somewhere(each) for each in may):
        raise PermissionDenied(_("Who did what is for auditors and administrators."))
    visible = Clinic.objects.visible_to(user)
    return [clinic for clinic in visible if any(user.access.can(each, clinic.pk) for each in may)]


def _asked(form: AuditForm) -> Asked:
    values = form.cleaned_data
    zone = values["clinic"].zone
    return Asked(
        clinic=values["clinic"],
        since=datetime.combine(values["since"], time(0), zone),
        until=datetime.combine(values["until"] + timedelta(days=1), time(0), zone),
        person=values["person"],
        patient=values.get("patient"),
        kind=values["kind"],
    )


def _written(line: Line) -> str:
    return f"{line.place.source}-{paging.written(line.place.at, line.place.pk)}"


def _position(after: str) -> Position | None:
    """The place in `?after=`; None at the start or where it is none."""
    match = _PLACE.fullmatch(after)
    place = paging.read(match[2]) if match is not None else None
    if match is None or place is None or int(match[1]) >= len(SOURCES):
        return None
    return Position(place[0], int(match[1]), place[1])


def _address(each: Shown, clinic: Clinic) -> str:
    """The page of what a line is about; empty where it has none."""
    match each.model:
        case "patient" | "pump":
            return reverse(each.model, args=[each.pk]) if each.patient is not None else ""
        case "clinic":
            return reverse("clinic", args=[clinic.pk])
        case "importjob":
            return reverse("imports")
        case _:
            return ""


def download(request: HttpRequest) -> HttpResponse:
    """The same as a file, up to MOST_LINES lines."""
    clinics = _audited(user_of(request))
    if not clinics:
        raise Http404
    form, clinic = _form(request, clinics)
    if not form.is_valid():
        return render(request, "therapy/audit.html", {"form": form, "clinic": clinic}, status=400)
    file_is_of(request, clinic.pk)
    name = f"{slugify(clinic.name) or 'clinic'}-{timezone.now():%Y-%m-%d}.csv"
    return HttpResponse(
        "".join(_csv(_asked(form))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="who-did-what-{name}"'},
    )


class _Echo:
    """What the writer of a line is given: it hands the line on."""

    def write(self, line: str) -> str:
        return line


def _csv(asked: Asked) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["at", "kind", "who", "what", "mrn", "patient", "details"])
    after: Position | None = None
    for _number in range(MOST_LINES // AT_A_TIME):
        lines = lines_of(asked, after, AT_A_TIME)
        for each in shown(lines):
            yield writer.writerow([_cell(value) for value in _cells(each, asked)])
        if len(lines) < AT_A_TIME:
            return
        after = lines[-1].place
    yield writer.writerow([_("Cut here: there are more lines. Choose fewer days.")])


def _cells(each: Shown, asked: Asked) -> list[str]:
    at = each.line.place.at.astimezone(asked.clinic.zone).isoformat(timespec="seconds")
    mrn, name = (each.patient.mrn, str(each.patient)) if each.patient is not None else ("", "")
    details = "; ".join(f"{field}: {_told(value)}" for field, value in each.line.details.items())
    return [at, str(each.kind), each.by.email if each.by is not None else "", str(each.line.what), mrn, name, details]


def _told(value: Any) -> str:
    return " → ".join(value) if isinstance(value, list) else str(value)


def _cell(text: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
