"""A clinic's settings: what each means, what it would change today, and the forecasts that follow from it."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from alerts.models import EscalationPolicy
from alerts.services import lifecycle
from alerts.services.lifecycle import Policy
from clinical.escalation import Tier, tier_at
from clinical.saying import say
from clinical.terms import ClinicRules, Product, product_key
from clinics.errors import Impossible
from clinics.history import differences, kept, note, subject_of
from clinics.models import Clinic, Membership, User
from clinics.opening import last_open_day
from clinics.services.tenants import NAME_TAKEN
from pumps import folding, forecasting
from pumps.alerting import deadlines, risk_flags
from pumps.forecasting import recompute_clinic
from pumps.models import DrugProduct, Forecast, Pump

MARGIN_DAYS = (3, 14)
INTERVAL_DAYS = (14, 400)
STABILITY_DAYS = (1, 1000)
BATCH = 1000
# Smaller, where somebody watches: after each they see how far it is, and can stop it.
PROGRESS_BATCH = 250
# So many pumps are looked at while somebody waits for a page.
PREVIEWED = 500
# What the history of a clinic calls these changes; `pumps.known` reads it by these words.
SETTINGS_CHANGED = say("Settings changed")
PRODUCT_CHANGED = "Drug product "


@dataclass(frozen=True, kw_only=True)
class ClinicSettings:
    """Settings to store; None leaves one as it is."""

    refill_margin_days: int | None = None
    max_refill_interval_days: int | None = None
    patient_facing_name: str | None = None
    phone: str | None = None
    emergency_number: str | None = None
    name: str | None = None
    timezone: str | None = None
    label_set: str | None = None
    language: str | None = None
    opening_days: Sequence[int] | None = None
    second_factor_required: bool | None = None

    def given(self) -> dict[str, Any]:
        return {field: value for field, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Effect:
    """What a change would do today, in pumps in use: whose `refill_by` moves, and to which side; who would be in
    another tier now; whose last opening day before the date would be another; whose findings would differ. `left_out`
    of a large clinic were not looked at, since somebody waits: those due last.
    """

    pumps: int = 0
    earlier: int = 0
    later: int = 0
    tiers: int = 0
    opening_days: int = 0
    findings: int = 0
    left_out: int = 0

    @property
    def moved(self) -> int:
        return self.earlier + self.later

    def plus(self, other: "Effect") -> "Effect":
        return Effect(*(one + two for one, two in zip(asdict(self).values(), asdict(other).values(), strict=True)))


@transaction.atomic
def change(
    *,
    clinic: Clinic,
    settings: ClinicSettings,
    now: datetime,
    by: User | None = None,
    progress: forecasting.Progress = forecasting.quiet,
) -> int:
    """Store settings and forecast the clinic's pumps anew; returns how many pumps' `refill_by` moved.

    Raises:
        Impossible: a number outside its range, a taken name, or no opening day.
    """
    check(settings)
    # Not a key lock: rows that point at the clinic are still written meanwhile.
    locked = Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    given = settings.given()
    before, dates = kept(locked, given), _refill_dates(locked)
    for field, value in given.items():
        setattr(locked, field, value)
    details = differences(before, kept(locked, given))
    if not details:
        return 0
    _save(locked, given)
    recompute_clinic(locked, now=now, batch=PROGRESS_BATCH, progress=progress)
    note(clinic=locked, by=by, at=now, subject=subject_of(locked), summary=SETTINGS_CHANGED, details=details)
    return _moved(dates, _refill_dates(locked))


def preview(*, clinic: Clinic, settings: ClinicSettings, now: datetime, most: int | None = None) -> Effect:
    """What `change` would do today, of all pumps or of the `most` that are due first; nothing is stored.

    Raises:
        Impossible: as `change`.
    """
    check(settings)
    wanted = copy(clinic)
    for field, value in settings.given().items():
        setattr(wanted, field, value)
    if wanted.name != clinic.name and Clinic.objects.filter(name=wanted.name).exists():
        raise Impossible({"name": [NAME_TAKEN]})
    products = folding.rules([clinic])[clinic.pk].products
    return _compare(clinic, wanted, folding.rules_of(wanted, dict(products)), now=now, most=most)


def _save(clinic: Clinic, given: Mapping[str, Any]) -> None:
    try:
        with transaction.atomic():
            clinic.save(update_fields=list(given))
    except IntegrityError as error:
        raise Impossible({"name": [NAME_TAKEN]}) from error


def check(settings: ClinicSettings) -> None:
    """
    Raises:
        Impossible: a number outside its range, no opening day, or no number that a telephone can dial.
    """
    errors = {}
    for field, (lowest, highest) in (
        ("refill_margin_days", MARGIN_DAYS),
        ("max_refill_interval_days", INTERVAL_DAYS),
    ):
        value = getattr(settings, field)
        if value is not None and not lowest <= value <= highest:
            errors[field] = [_("From %(lowest)s to %(highest)s days.") % {"lowest": lowest, "highest": highest}]
    if settings.opening_days is not None and not settings.opening_days:
        errors["opening_days"] = [_("Choose at least one weekday on which the clinic refills.")]
    for field in ("phone", "emergency_number"):
        number = getattr(settings, field)
        if number and not any(sign.isdigit() for sign in number):
            errors[field] = [_("Write a number that a telephone can dial.")]
    if errors:
        raise Impossible(errors)


def _refill_dates(clinic: Clinic) -> dict[int, datetime | None]:
    return dict(Forecast.objects.filter(clinic=clinic, in_use=True).values_list("pump_id", "refill_by"))


def _moved(before: Mapping[int, datetime | None], after: Mapping[int, datetime | None]) -> int:
    return sum(before[pump_id] != moment for pump_id, moment in after.items() if pump_id in before)


# --- what would change ----------------------------------------------------------------------------------------------


def _compare(clinic: Clinic, wanted: Clinic, rules: ClinicRules, *, now: datetime, most: int | None) -> Effect:
    policy = lifecycle.policies([clinic.pk])[clinic.pk]
    ids, left_out = _first_due(clinic, most)
    flags = risk_flags(ids)
    closed = frozenset(clinic.closed_days.values_list("day", flat=True))

    def open_day(row: Forecast, of: Clinic) -> object:
        if row.refill_by is None:
            return None
        return last_open_day(row.refill_by.astimezone(of.zone).date(), of.opening_days, closed)

    total = Effect(left_out=left_out)
    for stored, found in _both(clinic, ids, rules, now):
        ladder = policy.of(flags.get(stored.pump_id, ()))
        total = total.plus(
            Effect(
                pumps=1,
                **_side(stored, found),
                tiers=_tier(ladder, stored, now) != _tier(ladder, found, now),
                opening_days=open_day(stored, clinic) != open_day(found, wanted),
                findings=_codes(stored) != _codes(found),
            )
        )
    return total


def _first_due(clinic: Clinic, most: int | None) -> tuple[list[int], int]:
    """The pumps in use, those due first before the others; not more than `most`, and how many that leaves out."""
    rows = Forecast.objects.filter(clinic=clinic).on_worklist().values_list("pk", flat=True)
    ids = list(rows if most is None else rows[:most])
    is_cut = most is not None and len(ids) == most
    return ids, rows.count() - len(ids) if is_cut else 0


def _both(clinic: Clinic, ids: Sequence[int], rules: ClinicRules, now: datetime) -> Iterator[tuple[Forecast, Forecast]]:
    """The stored forecast of each pump, and what it would be."""
    version = forecasting.current_prior()
    for start in range(0, len(ids), BATCH):
        stored = Forecast.objects.in_bulk(ids[start : start + BATCH])
        pumps = list(Pump.objects.filter(pk__in=stored).order_by("pk").select_related("model", "clinic", "patient"))
        fresh = forecasting.fresh(pumps, [version] * len(pumps), now=now, rules={clinic.pk: rules})
        yield from ((stored[row.pump_id], row) for row in fresh)


def _side(stored: Forecast, found: Forecast) -> dict[str, int]:
    """Whether `refill_by` would be earlier or later; a date that appears or goes counts as earlier."""
    old, new = stored.refill_by, found.refill_by
    is_later = old is not None and new is not None and new > old
    return {"earlier": int(old != new and not is_later), "later": int(is_later)}


def _tier(ladder: Sequence[Tier], row: Forecast, now: datetime) -> Tier | None:
    return tier_at(ladder, deadlines(row, now), now)


def _codes(row: Forecast) -> set[str]:
    return {finding["code"] for finding in row.findings}


# --- drug products --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ProductSettings:
    name: str
    stability_days: int | None = None
    max_refill_interval_days: int | None = None
    source: str = ""


@transaction.atomic
def set_product(*, clinic: Clinic, product: ProductSettings, now: datetime, by: User) -> int:
    """Add a product of the clinic, or change the one of that name; returns how many pumps' `refill_by` moved.

    Raises:
        Impossible: a number outside its range, or nothing set.
    """
    _check_product(product)
    locked = Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    row = DrugProduct.objects.filter(clinic=locked, key=product_key(product.name)).first()
    row = row or DrugProduct(clinic=locked, key=product_key(product.name), created_at=now)
    before = kept(row, asdict(product))
    for field, value in asdict(product).items():
        setattr(row, field, value)
    row.save()
    details = differences(before, kept(row, asdict(product)))
    return _after_products(locked, say("Drug product %(name)s", name=row.name), details, now, by)


@transaction.atomic
def remove_product(*, product: DrugProduct, now: datetime, by: User) -> int:
    """Take a product off the clinic's list; returns how many pumps' `refill_by` moved.

    The history keeps what it said, so that a forecast of before can be made again.
    """
    locked = Clinic.objects.select_for_update(no_key=True).get(pk=product.clinic_id)
    before = kept(product, [field.name for field in fields(ProductSettings)])
    details = differences(before, dict.fromkeys(before))
    DrugProduct.objects.filter(pk=product.pk).delete()
    return _after_products(locked, say("Drug product %(name)s removed", name=product.name), details, now, by)


def _after_products(clinic: Clinic, summary: str, details: dict[str, list[str]], now: datetime, by: User) -> int:
    dates = _refill_dates(clinic)
    recompute_clinic(clinic, now=now)
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary, details=details)
    return _moved(dates, _refill_dates(clinic))


def preview_product(*, clinic: Clinic, product: ProductSettings, now: datetime, most: int | None = None) -> Effect:
    """What `set_product` would do today, as `preview`; nothing is stored.

    Raises:
        Impossible: as `set_product`.
    """
    _check_product(product)
    rules = folding.rules([clinic])[clinic.pk]
    wanted = Product(product.name, product.stability_days, product.max_refill_interval_days)
    with_it = replace(rules, products={**rules.products, product_key(product.name): wanted})
    return _compare(clinic, clinic, with_it, now=now, most=most)


def preview_without(*, product: DrugProduct, now: datetime, most: int | None = None) -> Effect:
    """What `remove_product` would do today, as `preview`; nothing is stored."""
    rules = folding.rules([product.clinic])[product.clinic_id]
    left = {key: value for key, value in rules.products.items() if key != product.key}
    return _compare(product.clinic, product.clinic, replace(rules, products=left), now=now, most=most)


def _check_product(product: ProductSettings) -> None:
    errors = {}
    for field, (lowest, highest) in (
        ("stability_days", STABILITY_DAYS),
        ("max_refill_interval_days", INTERVAL_DAYS),
    ):
        value = getattr(product, field)
        if value is not None and not lowest <= value <= highest:
            errors[field] = [_("From %(lowest)s to %(highest)s days.") % {"lowest": lowest, "highest": highest}]
    if not product_key(product.name):
        errors["name"] = [_("Write the product as it stands on the refill, such as Gablofen.")]
    if product.stability_days is None and product.max_refill_interval_days is None:
        errors["stability_days"] = [_("Set the stability, the longest interval, or both.")]
    if errors:
        raise Impossible(errors)


# --- the ladder -----------------------------------------------------------------------------------------------------


@transaction.atomic
def set_ladder(
    *, clinic: Clinic, ladder: Sequence[Tier], risk_days: int | None = None, now: datetime, by: User
) -> EscalationPolicy:
    """Store a new version of the clinic's ladder. Open alerts keep the one they opened with.

    `risk_days` is by how much earlier it begins where a patient's flags raise the risk; None leaves that as it is.

    Raises:
        Impossible: see `clinical.escalation.problems`; somebody named who is not of the clinic.
    """
    _check_people(clinic, ladder)
    if risk_days is None:
        risk_days = lifecycle.policies([clinic.pk])[clinic.pk].risk_days
    policy = lifecycle.store_ladder(clinic=clinic, ladder=ladder, risk_days=risk_days, now=now)
    ids = Forecast.objects.filter(clinic=clinic, in_use=True)
    # Alerts may now have to open earlier or later: the next tick looks.
    # The nightly run replaces no row that has been touched since it was read, so it cannot put the old start back.
    ids.update(next_alert_at=now, computed_at=now)
    summary = say("Reminder tiers changed: version %(version)s", version=policy.version)
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary)
    return policy


def people_of(clinic: Clinic) -> dict[int, str]:
    """Staff whom a tier can name: everybody with a role in the clinic who may log in, by id."""
    members = User.objects.in_use().filter(memberships__in=Membership.objects.of_clinic(clinic.pk)).distinct()
    return {user.pk: str(user) for user in members.order_by("name", "email")}


def _check_people(clinic: Clinic, ladder: Sequence[Tier]) -> None:
    known = set(people_of(clinic)) if any(tier.people for tier in ladder) else set()
    wrong = {tier.code: [_("Name people of this clinic only.")] for tier in ladder if set(tier.people) - known}
    if wrong:
        raise Impossible(wrong)


def preview_ladder(*, clinic: Clinic, wanted: Policy, now: datetime, most: int | None = None) -> Effect:
    """How many pumps in use would be in another tier now, of all or of the `most` that are due first.

    Raises:
        Impossible: as `set_ladder`.
    """
    _check_people(clinic, wanted.ladder)
    present = lifecycle.policies([clinic.pk])[clinic.pk]
    ids, left_out = _first_due(clinic, most)
    flags = risk_flags(ids)

    def moves(row: Forecast) -> bool:
        of = flags.get(row.pump_id, ())
        return _code(present.of(of), row, now) != _code(wanted.of(of), row, now)

    rows = Forecast.objects.filter(pk__in=ids) if most is not None else Forecast.objects.filter(clinic=clinic)
    tiers = sum(moves(row) for row in rows.filter(in_use=True).iterator())
    return Effect(pumps=len(ids), tiers=tiers, left_out=left_out)


def _code(ladder: Sequence[Tier], row: Forecast, now: datetime) -> str | None:
    tier = _tier(ladder, row, now)
    return tier.code if tier is not None else None
