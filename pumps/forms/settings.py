"""Forms of the pages only administrators save: a clinic, its products and tiers, a catalogue row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from clinical.escalation import (
    LONGEST_REPEAT_HOURS,
    MOST_RISK_DAYS,
    REFILL_LADDER,
    RISK_DAYS,
    Acknowledging,
    Channel,
    Tier,
)
from clinics.fields import NOT_A_CHOICE, Day, Number, WallTime, Whole
from clinics.models import Clinic
from clinics.roles import ROLE_NAMES, Role
from clinics.validators import timezones
from clinics.words import later
from pumps.models import DrugProduct, PumpModel
from pumps.services.catalogue import EDITABLE
from pumps.services.settings import (
    INTERVAL_DAYS,
    MARGIN_DAYS,
    STABILITY_DAYS,
    ClinicSettings,
    ProductSettings,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

NUMBERS = (
    "reservoir_ml",
    "low_reservoir_ml",
    "min_flow_ml_per_day",
    "max_flow_ml_per_day",
    "flow_accuracy_pct",
    "internal_tubing_ml",
    "catheter_ml_per_cm",
    "catheter_length_cm",
    "flow_ratio_mean",
    "flow_ratio_sd",
)


def _days(
    label: "str | StrPromise", limits: tuple[int, int], help_text: str | Promise, *, required: bool = True
) -> Whole:
    lowest, highest = limits
    told = later(
        gettext_noop("%(explained)s From %(lowest)s to %(highest)s days."),
        explained=help_text,
        lowest=lowest,
        highest=highest,
    )
    return Whole(limits, of=gettext_lazy("days"), label=label, required=required, help_text=told)


def _timezone() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=gettext_lazy("Timezone"),
        choices=lambda: [("", _("Choose")), *((name, name) for name in timezones())],
        error_messages={"invalid_choice": NOT_A_CHOICE},
        help_text=gettext_lazy("Every time of the clinic is shown, and entered, on this clock."),
    )


def _label_set() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=gettext_lazy("Label set"),
        choices=Clinic.LabelSet.choices,
        error_messages={"invalid_choice": NOT_A_CHOICE},
        help_text=gettext_lazy(
            "Default: US labels. It says which concentrations are on the market and which dose steps "
            "are asked about. Sources: Lioresal Intrathecal and Gablofen labels; UK monograph for "
            "parenteral baclofen."
        ),
    )


class NewClinicForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    timezone = _timezone()
    label_set = _label_set()


class ClinicForm(forms.Form):
    """Each setting with its default and its source."""

    refill_margin_days = _days(
        gettext_lazy("Refill margin"),
        MARGIN_DAYS,
        gettext_lazy(
            "A refill is due this long before the first deadline. Default: 7. Source: a current "
            "hospital page says 7 to 10 days before the alarm date, an older one 3 to 5 (Gillette; "
            "Medtronic)."
        ),
    )
    max_refill_interval_days = _days(
        gettext_lazy("Longest interval"),
        INTERVAL_DAYS,
        gettext_lazy(
            "No pump goes longer without a refill. Default: 180. Source: 180 days at most "
            "recommended in the pump (PMID 38043050); refills every 1 to 6 months."
        ),
    )
    opening_days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Opening days"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Default: Monday to Friday. The worklist, the pump and messages to staff name the last "
            "such day before each date; the date itself stays."
        ),
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    patient_facing_name = forms.CharField(
        label=gettext_lazy("Name in messages to patients"),
        required=False,
        max_length=200,
        help_text=gettext_lazy('A neutral name that gives no diagnosis away. Default, where blank: "your clinic".'),
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone for patients"),
        required=False,
        max_length=40,
        help_text=gettext_lazy(
            "On every page behind a link in a message. Default: none, and patients read that they should call."
        ),
    )
    emergency_number = forms.CharField(
        label=gettext_lazy("Emergency number"),
        required=False,
        max_length=20,
        help_text=gettext_lazy(
            "What a patient whose life is in danger is told to call. Default, where blank: 911 with "
            "US labels, 999 with the UK monograph."
        ),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of messages"),
        choices=settings.LANGUAGES,
        error_messages={"invalid_choice": NOT_A_CHOICE},
        help_text=gettext_lazy(
            "Default: English. Staff are told in it, and patients where Brim does not write their own."
        ),
    )
    label_set = _label_set()
    name = forms.CharField(label=gettext_lazy("Name of the clinic"), max_length=200)
    timezone = _timezone()
    second_factor_required = forms.BooleanField(
        label=gettext_lazy("Everybody who works here logs in with a second factor"),
        required=False,
        help_text=gettext_lazy("Default: no. Whoever has none is asked to set one up at their next page."),
    )

    @classmethod
    def of(cls, clinic: Clinic, data: Any) -> "ClinicForm":
        return cls(data, initial={name: getattr(clinic, name) for name in cls.base_fields})

    def settings(self) -> ClinicSettings:
        return ClinicSettings(**self.cleaned_data)


class ProductForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Drug product"),
        max_length=100,
        help_text=gettext_lazy("As it stands on a refill, such as Gablofen. Case does not matter."),
    )
    stability_days = _days(
        gettext_lazy("Stable in the pump"),
        STABILITY_DAYS,
        gettext_lazy(
            "No default: where it is not set, no drug date counts, and the page says so. Sources "
            "differ: 180 days at most recommended; 77 days in a hospital manual (SynchroMed); 2 "
            "mg/mL measured unchanged to 367 days."
        ),
        required=False,
    )
    max_refill_interval_days = _days(
        gettext_lazy("Longest interval"),
        INTERVAL_DAYS,
        gettext_lazy("Blank: the clinic's own longest interval."),
        required=False,
    )
    source = forms.CharField(
        label=gettext_lazy("Where you read it"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Shown beside the dates that follow from it."),
    )

    @classmethod
    def of(cls, product: DrugProduct | None, data: Any) -> "ProductForm":
        if product is None:
            return cls(data)
        form = cls(data, initial={name: getattr(product, name) for name in cls.base_fields})
        # Its name is what refills are matched by.
        form.fields["name"].disabled = True
        return form

    def settings(self) -> ProductSettings:
        return ProductSettings(**self.cleaned_data)


class ClosedDayForm(forms.Form):
    day = Day(label=gettext_lazy("Day"))
    name = forms.CharField(label=gettext_lazy("Why"), max_length=100, required=False)


CHANNEL_WORDS = {
    Channel.EMAIL.value: gettext_lazy("E-mail"),
    Channel.SMS.value: gettext_lazy("Text message"),
    Channel.VOICE.value: gettext_lazy("Voice call"),
    Channel.WEBHOOK.value: gettext_lazy("Webhook"),
}
ACKNOWLEDGING_WORDS = {
    Acknowledging.NOTE.value: gettext_lazy("What is being done meanwhile"),
    Acknowledging.SPOKEN_WITH.value: gettext_lazy("With whom they have spoken"),
}


def _several(label: "str | StrPromise", choices: "Iterable[tuple[str, str | StrPromise]]") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=list(choices),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )


class TierForm(forms.Form):
    """One tier of the ladder, under its code as prefix."""

    lead_days = Whole((0, 1000), of=gettext_lazy("days"), label=gettext_lazy("Days before"))
    repeat_hours = Whole((1, 10_000), of=gettext_lazy("hours"), label=gettext_lazy("Repeat every"))
    roles = _several(gettext_lazy("Staff told"), [(role.value, capfirst(ROLE_NAMES[role])) for role in Role])
    people = _several(gettext_lazy("People told by name"), ())
    on_call = forms.BooleanField(label=gettext_lazy("Whoever is on call"), required=False)
    to_patient = forms.BooleanField(label=gettext_lazy("The patient"), required=False)
    to_caregivers = forms.BooleanField(label=gettext_lazy("Caregivers"), required=False)
    to_care_home = forms.BooleanField(label=gettext_lazy("The care home"), required=False)
    channels = _several(gettext_lazy("By"), CHANNEL_WORDS.items())
    quiet_hours = forms.BooleanField(label=gettext_lazy("Nothing is sent in quiet hours"), required=False)
    quiet_from = WallTime(label=gettext_lazy("Quiet from"))
    quiet_to = WallTime(label=gettext_lazy("Quiet to"))
    acknowledging = _several(gettext_lazy("Whoever acknowledges has to say"), ACKNOWLEDGING_WORDS.items())
    MANY = ("roles", "people", "channels", "acknowledging")

    def __init__(self, data: Any, *, tier: Tier, people: Mapping[int, str]) -> None:
        super().__init__(data, prefix=tier.code, initial=self._initial(tier))
        self.tier = tier
        field: Any = self.fields["people"]
        field.choices = [(str(pk), name) for pk, name in people.items()]
        if not people:
            del self.fields["people"]
        if tier.code in LONGEST_REPEAT_HOURS:
            # It begins on its day and is never quiet.
            for name in ("lead_days", "quiet_hours", "quiet_from", "quiet_to"):
                del self.fields[name]

    def _initial(self, tier: Tier) -> dict[str, Any]:
        values = {name: getattr(tier, name) for name in self.base_fields}
        people = [str(pk) for pk in tier.people]
        return {**values, "lead_days": -tier.lead_days, "people": people}

    def tier_wanted(self) -> Tier:
        values = {name: value for name, value in self.cleaned_data.items() if name in self.fields}
        values |= {name: tuple(values[name]) for name in self.MANY if name in values}
        values["lead_days"] = -values.get("lead_days", 0)
        values["people"] = tuple(int(pk) for pk in values.get("people", ()))
        values.setdefault("quiet_hours", False)
        return replace(self.tier, **values)


class RiskForm(forms.Form):
    risk_days = Whole(
        (0, MOST_RISK_DAYS),
        of=gettext_lazy("days"),
        label=gettext_lazy("Earlier at a higher risk"),
        help_text=later(
            gettext_noop(
                "How much earlier the tiers before refill-by begin for a patient with a spinal cord injury at or above "
                "T6, a communication difficulty or an earlier withdrawal. Default: %(days)s. From 0 to %(most)s days."
            ),
            days=RISK_DAYS,
            most=MOST_RISK_DAYS,
        ),
    )


def tier_forms(ladder: Sequence[Tier], data: Any, people: Mapping[int, str]) -> list[TierForm]:
    """A form a tier, in the order of the ladder; the tiers themselves are given. `people` are names by id."""
    by_code = {tier.code: tier for tier in ladder}
    return [TierForm(data, tier=by_code.get(usual.code, usual), people=people) for usual in REFILL_LADDER]


class PumpModelForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = PumpModel
        fields = EDITABLE
        field_classes: ClassVar = dict.fromkeys(NUMBERS, Number)
        labels: ClassVar = {
            "reservoir_ml": gettext_lazy("Reservoir, mL"),
            "low_reservoir_ml": gettext_lazy("Low level, mL"),
            "min_flow_ml_per_day": gettext_lazy("Lowest flow, mL/day"),
            "max_flow_ml_per_day": gettext_lazy("Highest flow, mL/day"),
            "flow_accuracy_pct": gettext_lazy("Accuracy, ± %"),
            "internal_tubing_ml": gettext_lazy("Internal tubing, mL"),
            "catheter_ml_per_cm": gettext_lazy("Catheter, mL per cm"),
            "catheter_length_cm": gettext_lazy("Catheter untrimmed, cm"),
            "flow_ratio_mean": gettext_lazy("Flow ratio, mean before any refill"),
            "flow_ratio_sd": gettext_lazy("Flow ratio, standard deviation"),
            "max_steps_per_day": gettext_lazy("Steps a day, at most"),
            "service_life_years": gettext_lazy("Service life, years"),
            "reservoir_confirmed": gettext_lazy("Reservoir read in the manual"),
            "flow_confirmed": gettext_lazy("Flow and accuracy read in the manual"),
            "tubing_confirmed": gettext_lazy("Tubing read in the manual"),
            "catheter_confirmed": gettext_lazy("Catheter read in the manual"),
            "mri_behaviour": gettext_lazy("In the MRI scanner"),
            "note": gettext_lazy("Note"),
        }
        error_messages: ClassVar = {"mri_behaviour": {"invalid_choice": NOT_A_CHOICE}}

    def clean(self) -> dict[str, Any]:
        """What the catalogue's constraints would refuse, said at the field."""
        cleaned = super().clean() or {}
        for name in ("reservoir_ml", "flow_ratio_mean", "flow_ratio_sd", "catheter_ml_per_cm", "catheter_length_cm"):
            if cleaned.get(name) is not None and cleaned[name] <= 0:
                self.add_error(name, _("Must be above 0."))
        for name in ("low_reservoir_ml", "min_flow_ml_per_day", "max_flow_ml_per_day", "internal_tubing_ml"):
            if cleaned.get(name) is not None and cleaned[name] < 0:
                self.add_error(name, _("Cannot be negative."))
        accuracy = cleaned.get("flow_accuracy_pct")
        if accuracy is not None and not 0 <= accuracy <= 100:
            self.add_error("flow_accuracy_pct", _("From 0 to 100 %."))
        return cleaned
