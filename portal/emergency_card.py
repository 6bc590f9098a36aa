"""What an emergency card says of a patient, for paper and page. The words are made in the language that is active."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinical.ledger import Fill
from clinical.programs import hourly_of
from clinical.scanner import SOURCE as SCANNER_SOURCE
from clinical.scanner import in_scanner
from clinical.symptoms import OVERDOSE, WITHDRAWAL, Symptom
from clinical.units import plain
from clinics.models import Clinic
from clinics.saying import said
from clinics.words import short_day
from patients.models import Patient
from pumps.models import Forecast, Pump
from therapy.services.records import rescue_words
from therapy.standing import standing_of

# The signs of `clinical.symptoms` in the fewest words, as a bystander sees them.
SHORT = {
    "tightness": gettext_noop("tightness or spasms are back"),
    "itching": gettext_noop("itching"),
    "tingling": gettext_noop("tingling"),
    "light_headed": gettext_noop("low blood pressure"),
    "sweating": gettext_noop("sweating"),
    "fever": gettext_noop("fever"),
    "confusion": gettext_noop("confusion"),
    "hallucinations": gettext_noop("hallucinations"),
    "seizure": gettext_noop("seizures"),
    "fast_heart": gettext_noop("fast heart rate"),
    "rigid": gettext_noop("rigid muscles"),
    "drowsy": gettext_noop("drowsiness"),
    "dizzy": gettext_noop("dizziness"),
    "floppy": gettext_noop("weakness"),
    "slurred": gettext_noop("slurred speech"),
    "vision": gettext_noop("blurred or double vision"),
    "vomiting": gettext_noop("vomiting"),
    "watering_mouth": gettext_noop("watering mouth"),
    "slow_breathing": gettext_noop("slow or shallow breathing"),
    "unconscious": gettext_noop("cannot be woken"),
}


@dataclass(frozen=True)
class Card:
    """`daily_dose_mcg` is what the patient gets now, None where nothing runs or nobody knows; `stopped_at` since when
    the pump stands; `concentration_mcg_per_ml` of the drug in the reservoir, `told_mcg_per_ml` as the pump was told."""

    patient: Patient
    clinic: Clinic
    pump: Pump
    row: Forecast
    daily_dose_mcg: Decimal | None
    concentration_mcg_per_ml: Decimal | None
    told_mcg_per_ml: Decimal | None
    stopped_at: datetime | None
    rescue: str
    now: datetime

    @property
    def dose_words(self) -> str:
        """`200 mcg per day (8.33 mcg per hour)`: side by side, so that one is not taken for the other."""
        if self.stopped_at is not None:
            return _("The pump is stopped: no drug is flowing")
        if self.row.stalled_at is not None and self.row.stalled_at <= self.now:
            return _("The pump's motor stalled, and nobody knows that it runs again: drug may not be flowing")
        if self.daily_dose_mcg is None:
            return _("not known")
        values = {"dose": plain(self.daily_dose_mcg), "hourly": plain(round(hourly_of(self.daily_dose_mcg), 2))}
        return _("%(dose)s mcg per day (%(hourly)s mcg per hour)") % values

    @property
    def drug_words(self) -> str:
        if self.concentration_mcg_per_ml is None:
            return _("baclofen into the spine (intrathecal)")
        values = {"strength": plain(self.concentration_mcg_per_ml)}
        if self.told_mcg_per_ml in (None, self.concentration_mcg_per_ml):
            return _("intrathecal baclofen %(strength)s mcg/mL") % values
        values["told"] = plain(self.told_mcg_per_ml)
        return _("intrathecal baclofen %(strength)s mcg/mL (the pump is programmed for %(told)s mcg/mL)") % values

    @property
    def allergies(self) -> str:
        return self.patient.allergies or str(self.patient.get_allergies_status_display())

    @property
    def day_of_birth(self) -> str:
        return short_day(self.patient.date_of_birth)

    def day(self, moment: datetime | None) -> str:
        return short_day(moment.astimezone(self.clinic.zone).date()) if moment is not None else _("not known")

    @property
    def refill_by(self) -> str:
        return self.day(self.row.refill_by)

    @property
    def empty_from(self) -> str:
        """The earliest day on which the reservoir may be empty. A pump without a low level is empty when it is low."""
        earliest = self.row.earliest_low_at if self.pump.low_reservoir_alarm_ml == 0 else None
        known = [at for at in (self.row.programmed_empty_at, self.row.empty_at, earliest) if at is not None]
        return self.day(min(known, default=None))

    @property
    def made_on(self) -> str:
        return self.day(self.now)


def card_of(patient: Patient, now: datetime) -> Card | None:
    """What the card of a patient says now; None without a pump in use. Few queries, whatever the ledger's length."""
    pumps = Pump.objects.select_related("model", "forecast").filter(patient=patient, status=Pump.Status.ACTIVE)
    pump = pumps.order_by("pk").last()
    if pump is None or patient.status != Patient.Status.ACTIVE:
        return None
    standing = standing_of(pump, now)
    dose = standing.daily_dose_mcg
    fills = [event for event in standing.ledger if isinstance(event, Fill)]
    strength, told = fills[-1].concentration_mcg_per_ml if fills else None, standing.concentration_mcg_per_ml
    if strength is not None and told is not None:
        flow = pump.factory_flow_ml_per_day
        if pump.model.programmable:
            dose = round(dose * strength / told, 1) if dose is not None and strength != told else dose
        elif flow is not None:
            dose = round(flow * strength, 1)
    row = pump.forecast
    stopped = next((at for at in (standing.stopped_at, row.stopped_at) if at is not None and at <= now), None)
    return Card(
        patient=patient,
        clinic=patient.clinic,
        pump=pump,
        row=row,
        daily_dose_mcg=dose,
        concentration_mcg_per_ml=strength,
        told_mcg_per_ml=told if pump.model.programmable else None,
        stopped_at=stopped,
        rescue=rescue_words(patient),
        now=now,
    )


def listed(symptoms: Sequence[Symptom]) -> str:
    """Signs in a row, those of an emergency first."""
    first = sorted((each for each in symptoms if each.code in SHORT), key=lambda each: not each.is_emergency)
    return ", ".join(_(SHORT[each.code]) for each in first)


@dataclass(frozen=True)
class Advice:
    """A heading and what it says, with the source of the rule behind it."""

    title: str
    text: str
    source: str


RULES = "Boster 2016, Saulino 2016"
LABELS = "Gablofen and Lioresal Intrathecal labels"


def signs_and_sounds() -> list[Advice]:
    """What is wrong, as seen and heard. Source: clinical rules, section 4."""
    return [
        Advice(_("Too little drug (withdrawal): an emergency"), _sentence(listed(WITHDRAWAL)), RULES),
        Advice(_("Too much drug (overdose): an emergency"), _sentence(listed(OVERDOSE)), RULES),
        Advice(
            _("Alarm of the pump"),
            _(
                "One tone, about once an hour: low reservoir or replacement due; call the clinic today. Two tones: the "
                "drug may not be flowing; an emergency. No alarm does not prove that drug is left."
            ),
            "Medtronic",
        ),
    ]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def for_doctors(card: Card) -> list[Advice]:
    """What to do first in an emergency department: only what the clinical rules hold, sections 2 to 4."""
    says, _is_confirmed = in_scanner(card.pump.model.mri_behaviour)
    return [
        Advice(
            _("In the emergency department, first"),
            _(
                "Fever, altered mind, rigid muscles or seizures: think of baclofen withdrawal. Slow breathing or "
                "unconsciousness: think of overdose. An abrupt stop can kill: call the clinic, have the pump "
                "interrogated, have oral baclofen at hand."
            ),
            LABELS,
        ),
        Advice(_("MRI"), said(says), SCANNER_SOURCE),
    ]
