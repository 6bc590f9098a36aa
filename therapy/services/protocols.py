"""Writes of what a clinic sets about titration: its protocol and its program templates."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from clinical.labels import LABEL_SETS
from clinical.programs import Mode, ProgramError
from clinical.protocols import problems
from clinical.saying import say
from clinical.units import plain
from clinics import saying
from clinics.errors import Impossible
from clinics.history import note, subject_of
from clinics.models import Clinic, User
from pumps.programs_json import program_of
from therapy.models import ProgramTemplate, Protocol


@transaction.atomic
def store(
    *,
    clinic: Clinic,
    figures: Mapping[str, Decimal],
    second_person: bool,
    rescue_words: str,
    by: User,
    now: datetime,
) -> Protocol:
    """A new version of a clinic's protocol. What was decided under an older one keeps it.

    Raises:
        Impossible: a figure is unknown or looser than the label's, by its key.
    """
    wrong = problems(figures, LABEL_SETS[clinic.label_set])
    if wrong:
        raise Impossible(saying.said_by_field(wrong))
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    newest = Protocol.objects.filter(clinic=clinic).aggregate(newest=Max("version"))["newest"] or 0
    written = {key: plain(value) for key, value in figures.items()}
    made = Protocol.objects.create(
        clinic=clinic,
        version=newest + 1,
        figures=written,
        second_person=second_person,
        rescue_words=rescue_words.strip(),
        created_at=now,
        created_by=by,
    )
    told = ", ".join(f"{key} {value}" for key, value in written.items()) or say("the label's figures")
    note(
        clinic=clinic,
        by=by,
        at=now,
        subject=subject_of(clinic),
        summary=say("Protocol %(version)s: %(told)s", version=made.version, told=told),
    )
    return made


@transaction.atomic
def keep_template(
    *,
    clinic: Clinic,
    name: str,
    mode: str,
    daily_dose_mcg: Decimal,
    steps: Sequence[Mapping[str, Any]],
    boluses: Sequence[Mapping[str, Any]],
    by: User,
    now: datetime,
) -> ProgramTemplate:
    """A program under a name.

    Raises:
        Impossible: no pump could run it, or the name is taken.
    """
    if not name.strip():
        raise Impossible({"name": [_("Give it a name.")]})
    if mode == Mode.STOPPED or daily_dose_mcg <= 0:
        raise Impossible({"daily_dose_mcg": [_("A template is of a dose above 0, to be scaled to another.")]})
    try:
        program_of(mode, daily_dose_mcg, steps, boluses)
    except ProgramError as error:
        raise Impossible({error.field: [saying.said(error.message)]}) from error
    try:
        with transaction.atomic():
            return ProgramTemplate.objects.create(
                clinic=clinic,
                name=name.strip(),
                mode=mode,
                daily_dose_mcg=daily_dose_mcg,
                steps=list(steps),
                boluses=list(boluses),
                created_at=now,
                created_by=by,
            )
    except IntegrityError as error:
        raise Impossible({"name": [_("A template of this name is there already.")]}) from error


def scaled(template: ProgramTemplate, daily_dose_mcg: Decimal) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A template's steps and boluses for another daily dose, mcg/day; rates to 0.0001 mcg/h."""
    factor = daily_dose_mcg / template.daily_dose_mcg

    def grown(rows: Sequence[Mapping[str, Any]], key: str) -> list[dict[str, Any]]:
        return [{**row, key: plain((Decimal(row[key]) * factor).quantize(Decimal("0.0001")))} for row in rows]

    return grown(template.steps, "rate_mcg_per_h"), grown(template.boluses, "dose_mcg")
