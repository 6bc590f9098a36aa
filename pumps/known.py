"""What a forecast rests on beside the ledger, as it stood at an earlier moment: pump, rules, prior version.

The ledger keeps when each entry was recorded; for the rest the history of changes is undone, newest first.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from clinical.terms import ClinicRules, Product, product_key
from clinics.history import read_back, subject_of, undone, written
from clinics.models import Change, Clinic
from pumps import folding
from pumps.models import DrugProduct, PriorVersion, Pump, PumpModel
from pumps.services.devices import CHANGED
from pumps.services.settings import PRODUCT_CHANGED, SETTINGS_CHANGED

# What a forecast reads of each; `model` is kept by its name.
OF_A_PUMP = ("low_reservoir_alarm_ml", "implanted_on", "factory_flow_ml_per_day")
OF_A_CLINIC = ("refill_margin_days", "max_refill_interval_days", "timezone", "label_set")
OF_A_PRODUCT = ("name", "stability_days", "max_refill_interval_days")
BLANK = written(None)


@dataclass(frozen=True)
class Known:
    """A pump as it was entered at a moment (unsaved), the rules of its clinic, and the prior version in use."""

    pump: Pump
    rules: ClinicRules
    version: PriorVersion


def known(pump: Pump, at: datetime) -> Known:
    """What stood at `at`. `pump` comes with model, clinic and forecast with its version.

    In force at `at`, from the history of changes: the pump's low level, implant date, factory flow and model; the
    clinic's margin, longest interval, time zone and labels; its products. Not kept, so as they are today: the
    catalogue's figures of the model, whatever was changed past the services, and of a pump taken over from another
    clinic what it had there (the rules are this clinic's). A product that was removed when its values were not kept yet
    is missing. The catheter's volume moves no date.
    """
    return Known(_pump(pump, at), rules_at(pump.clinic, at), version_at(pump, at))


def version_at(pump: Pump, at: datetime) -> PriorVersion:
    """The prior version a pump's forecast used at `at`.

    Its own, if the stored forecast has stood since then. Else the newest that was made until `at`, the oldest if none
    was: when a forecast that was replaced had taken its version is not stored, so between the making of a version and
    the renewal that hands it to every pump (the same night, or the import that made it) this names it too early.
    """
    row = pump.forecast
    if row.computed_at <= at:
        return row.prior_version
    versions = PriorVersion.objects.order_by("pk")
    return versions.filter(created_at__lte=at).last() or versions.earliest("pk")


def rules_at(clinic: Clinic, at: datetime) -> ClinicRules:
    before = copy(clinic)
    settings = undone(_later(clinic, at).filter(summary=SETTINGS_CHANGED))
    for field in settings.keys() & OF_A_CLINIC:
        setattr(before, field, read_back(before, field, settings[field]))
    return folding.rules_of(before, _products(clinic, at))


def _pump(pump: Pump, at: datetime) -> Pump:
    before = copy(pump)
    texts = undone(_later(pump, at).filter(summary=CHANGED))
    for field in texts.keys() & OF_A_PUMP:
        setattr(before, field, read_back(before, field, texts[field]))
    if "model" in texts:
        called = {str(model): model for model in PumpModel.objects.all()}
        before.model = called.get(texts["model"], before.model)
    return before


def _products(clinic: Clinic, at: datetime) -> dict[str, Product]:
    """A clinic's products by key, as texts of the history until the end."""
    found = {
        row.key: {field: written(getattr(row, field)) for field in OF_A_PRODUCT}
        for row in DrugProduct.objects.filter(clinic=clinic, created_at__lte=at)
    }
    for change in _later(clinic, at).filter(summary__startswith=PRODUCT_CHANGED):
        old, new = change.details.get("name", ["", ""])
        key = product_key(old if new == BLANK else change.summary.removeprefix(PRODUCT_CHANGED))
        if old == BLANK:
            found.pop(key, None)
        elif key in found or new == BLANK:
            found[key] = {**found.get(key, {}), **undone([change])}
    return {key: _product(texts) for key, texts in found.items()}


def _product(texts: dict[str, str]) -> Product:
    name, *days = (read_back(DrugProduct(), field, texts.get(field, BLANK)) for field in OF_A_PRODUCT)
    return Product(name, *days)


def _later(subject: Clinic | Pump, at: datetime) -> QuerySet[Change]:
    """What was changed after `at`, newest first."""
    return Change.objects.filter(subject=subject_of(subject), at__gt=at).order_by("-pk")
