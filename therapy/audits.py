"""Who changed and who saw what in one clinic, from every place that keeps it, newest first.

Each source is a table that keeps a moment, a person and what it is about; a page takes the newest rows of each and
merges them, so that no page is slower than the first. Imports are told of by their job, not row by row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinics.models import Change, Clinic, User
from clinics.saying import said
from patients.models import Patient, Viewing
from patients.viewings import people_of
from pumps.models import DoseSignature, Event, Pump
from pumps.pages.timeline import title_of
from scheduling.models import Call
from therapy.models import (
    AdverseEvent,
    Assessment,
    Medicine,
    OfCourse,
    PhaseChange,
    Proposal,
    RescuePlan,
    Trial,
    WeaningPlan,
)
from therapy.viewing_words import viewing_words

Words = Promise | str
# A row's model and id, as `Change.subject` has them.
Subject = tuple[str, int]


@dataclass(frozen=True)
class Asked:
    """What an auditor asked for. `kind` is empty for all."""

    clinic: Clinic
    since: datetime
    until: datetime
    person: User | None = None
    patient: Patient | None = None
    kind: str = ""


@dataclass(frozen=True)
class Position:
    """A place in the merged list: newest first, then by source, then by id downwards."""

    at: datetime
    source: int
    pk: int


@dataclass(frozen=True)
class Line:
    place: Position
    kind: str
    by: int | None
    what: Words
    subject: Subject | None
    details: dict[str, Any]

    @property
    def order(self) -> tuple[float, int, int]:
        return -self.place.at.timestamp(), self.place.source, -self.place.pk


@dataclass(frozen=True)
class Source:
    """`rows` answers the clinic's rows; `by` names their person, `of` finds those of a patient; `needs_one` where only
    a person or a patient is found by an index."""

    kind: str
    rows: Callable[[Asked], QuerySet[Any]]
    at: str
    by: str
    of: Callable[[Patient], Q] | None
    line: Callable[[Any], tuple[Words, Subject | None, dict[str, Any]]]
    needs_one: bool = False


KINDS: dict[str, Words] = {
    "viewing": _("Seen"),
    "ledger": _("Entered at a pump"),
    "course": _("Course of therapy"),
    "change": _("Settings, people and records"),
    "sign_in": _("Log-ins and files"),
}


def lines_of(asked: Asked, after: Position | None, most: int) -> list[Line]:
    """The newest `most` lines, or those behind a position."""
    found = [
        line
        for number, source in enumerate(SOURCES)
        if _is_asked(source, asked)
        for line in _rows(source, number, asked, after, most)
    ]
    return sorted(found, key=lambda line: line.order)[:most]


def _is_asked(source: Source, asked: Asked) -> bool:
    if asked.kind and asked.kind != source.kind:
        return False
    if asked.patient is not None and source.of is None:
        return False
    return not source.needs_one or asked.patient is not None or asked.person is not None


def _rows(source: Source, number: int, asked: Asked, after: Position | None, most: int) -> Iterator[Line]:
    at, rows = source.at, source.rows(asked)
    rows = rows.filter(**{f"{at}__gte": asked.since, f"{at}__lt": asked.until})
    if asked.person is not None:
        rows = rows.filter(**{source.by: asked.person.pk})
    if asked.patient is not None and source.of is not None:
        rows = rows.filter(source.of(asked.patient))
    if after is not None:
        rows = rows.filter(_behind(at, number, after))
    for row in rows.order_by(f"-{at}", "-pk")[:most]:
        what, subject, details = source.line(row)
        place = Position(getattr(row, at), number, row.pk)
        yield Line(place, source.kind, getattr(row, f"{source.by}_id"), what, subject, details)


def _behind(at: str, number: int, after: Position) -> Q:
    """What comes after a position; the first condition is the range of an index."""
    if number > after.source:
        return Q(**{f"{at}__lte": after.at})
    if number < after.source:
        return Q(**{f"{at}__lt": after.at})
    return Q(**{f"{at}__lte": after.at}) & (Q(**{f"{at}__lt": after.at}) | Q(pk__lt=after.pk))


# --- the sources -----------------------------------------------------------------------------------------------------


def _seen(row: Viewing) -> tuple[Words, Subject | None, dict[str, Any]]:
    subject = ("patient", row.patient_id) if row.patient_id is not None else None
    return viewing_words(row.what), subject, {"key": row.key.name} if row.key is not None else {}


def _entered(row: Event) -> tuple[Words, Subject | None, dict[str, Any]]:
    return title_of(row), ("pump", row.pump_id), {"reason": row.reason} if row.reason else {}


def _changed(row: Change) -> tuple[Words, Subject | None, dict[str, Any]]:
    model, _colon, pk = row.subject.partition(":")
    return said(row.summary), (model, int(pk)) if pk.isdigit() else None, dict(row.details)


def _called(row: Call) -> tuple[Words, Subject | None, dict[str, Any]]:
    words = _("Telephone call marked as entered in error") if row.voids_id is not None else _("Telephone call")
    return words, ("patient", row.patient_id), {}


def _subjects(patient: Patient) -> Q:
    pumps = Pump.objects.filter(patient=patient).values_list("pk", flat=True)
    return Q(subject__in=[f"patient:{patient.pk}", *(f"pump:{pk}" for pk in pumps)])


def _of_patient(field: str = "patient") -> Callable[[Patient], Q]:
    return lambda patient: Q(**{field: patient.pk})


def _stamp(model: type[Any], what: str, words: Words, of_clinic: str = "clinic", *, needs_one: bool = False) -> Source:
    """A row of a course on which something was done: `<what>_at` by `<what>_by`."""
    return Source(
        "course",
        lambda asked: model._default_manager.filter(**{of_clinic: asked.clinic.pk}),
        f"{what}_at",
        f"{what}_by",
        _of_patient(),
        lambda row: (words, ("patient", row.patient_id), {}),
        needs_one,
    )


RECORDED: dict[type[OfCourse], Words] = {
    PhaseChange: _("Phase of therapy"),
    Assessment: _("Measured"),
    AdverseEvent: _("Adverse event"),
    Medicine: _("Medicine"),
    RescuePlan: _("Rescue plan"),
}

SOURCES: Sequence[Source] = (
    Source(
        "viewing",
        lambda asked: Viewing.objects.filter(clinic=asked.clinic).select_related("key"),
        "at", "user", _of_patient(), _seen,
    ),
    Source(
        "ledger",
        lambda asked: Event.objects.filter(~Q(source="import"), pump__clinic=asked.clinic).select_related(
            "pump__clinic", "voids__pump__clinic", "replacement__pump__clinic"
        ),
        "recorded_at", "recorded_by", _of_patient("pump__patient"), _entered,
    ),
    Source("change", lambda asked: Change.objects.filter(clinic=asked.clinic), "at", "by", _subjects, _changed),
    Source(
        "sign_in",
        lambda asked: Viewing.objects.filter(clinic=None, user__in=_people(asked)).select_related("key"),
        "at", "user", None, _seen,
    ),
    Source(
        "change",
        lambda asked: Change.objects.filter(clinic=None, by__in=_people(asked)), "at", "by", None, _changed,
    ),
    _stamp(Proposal, "proposed", _("Dose proposed")),
    _stamp(Proposal, "signed", _("Proposed dose signed")),
    _stamp(Proposal, "confirmed", _("Proposed dose programmed and read back")),
    _stamp(Proposal, "withdrawn", _("Proposed dose withdrawn")),
    _stamp(WeaningPlan, "drafted", _("Taper drafted")),
    _stamp(WeaningPlan, "signed", _("Taper signed")),
    _stamp(WeaningPlan, "ended", _("Taper ended")),
    Source(
        "course",
        lambda asked: DoseSignature.objects.filter(clinic=asked.clinic).annotate(
            patient_id=F("event__pump__patient")
        ),
        "signed_at", "signed_by", _of_patient("event__pump__patient"),
        lambda row: (_("Dose signed after it was made"), ("patient", row.patient_id), {}),
    ),
    *(_stamp(model, "recorded", words, "patient__clinic", needs_one=True) for model, words in RECORDED.items()),
    *(
        _stamp(model, "voided", _("Entered in error, in the course"), "patient__clinic", needs_one=True)
        for model in RECORDED
    ),
    _stamp(Trial, "began", _("Screening begun"), "patient__clinic", needs_one=True),
    _stamp(Trial, "ended", _("Screening ended"), "patient__clinic", needs_one=True),
    Source("change", lambda asked: Call.objects.filter(clinic=asked.clinic), "at", "by", _of_patient(), _called),
)  # fmt: skip


def _people(asked: Asked) -> list[int]:
    return list(people_of(asked.clinic.pk).order_by().values_list("pk", flat=True))


# --- as they are shown -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A line with its person and what it is about by name."""

    line: Line
    kind: Words
    by: User | None
    patient: Patient | None
    model: str
    pk: int | None


def shown(lines: Iterable[Line]) -> list[Shown]:
    """Three queries, however many lines."""
    lines = list(lines)
    people = User.objects.in_bulk({line.by for line in lines if line.by is not None})
    subjects = [line.subject for line in lines if line.subject is not None]
    owners = dict(
        Pump.objects.filter(pk__in={pk for model, pk in subjects if model == "pump"}).values_list("pk", "patient_id")
    )
    ids = {*owners.values(), *(pk for model, pk in subjects if model == "patient")}
    patients = Patient.objects.in_bulk(ids)

    def patient(subject: Subject | None) -> Patient | None:
        model, pk = subject or ("", 0)
        return patients.get(owners.get(pk, 0) if model == "pump" else pk if model == "patient" else 0)

    return [
        Shown(line, KINDS[line.kind], people.get(line.by or 0), patient(line.subject), *(line.subject or ("", None)))
        for line in lines
    ]
