"""The demo: three clinics whose worklist tells a story around today, and one account per role."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext

from clinics.errors import Conflict
from clinics.models import Clinic, Membership, User
from clinics.roles import Role
from clinics.services.tenants import go_live
from interop import demo_course
from interop.importing import import_folder
from interop.simulated_history import Wish
from interop.simulation import (
    CODMAN_30,
    PROMETRA_20,
    SYNCHROMED_20,
    SYNCHROMED_40,
    SimClinic,
    SimPump,
    simulate,
)
from interop.writing import write
from pumps.models import Event, Forecast, Pump
from pumps.services import booking, ledger
from pumps.services.entries import RefillEntry

# Published: the accounts exist in the demo only (`clinics.backends`, `interop.checks`).
PASSWORD = "brim-demo-2026"  # noqa: S105
SEED = 26

HARBOR = SimClinic(
    "Harbor Neurology Clinic", "America/New_York", patient_facing_name="Harbor Clinic", phone="+1 555 0100"
)
MESA = SimClinic("Mesa Rehabilitation", "America/Denver")
NORTHGATE = SimClinic(
    "Northgate Clinic", "Europe/London", label_set="uk", patient_facing_name="Northgate", phone="020 7946 0100"
)
CLINICS = (HARBOR, MESA, NORTHGATE)

# 40 mL of 500 mcg/mL at about 170 mcg/day: a fill lasts more than three months.
LASTING = Wish(model=SYNCHROMED_40, dose_mcg=170, fills=6, flow_ratio=1.0)
# `refill_by` is a week before the low date, and a little more while the pump's true flow is not known well.
PAST = Wish(days_to_low=4.5, model=SYNCHROMED_40, flow_ratio=1.0)
LOW = Wish(days_to_low=-1, model=SYNCHROMED_20, flow_ratio=1.0)
URGENT = tuple(Wish(days_to_low=days, model=SYNCHROMED_20, fills=9, flow_ratio=0.99) for days in (10, 11, 12, 13))
# Its own programmer promises weeks; what was aspirated at its refills says otherwise.
OVER_DELIVERING = Wish(days_to_low=24, model=SYNCHROMED_20, dose_mcg=85, fills=10, flow_ratio=1.08)
STOPPED = replace(LASTING, days_to_low=60, stopped=True)
WITHOUT_DOSE = replace(LASTING, days_to_low=60, fills=1, without_dose=True)
RAN_DRY = replace(LASTING, days_to_low=70, last_aspirated_zero=True)
LOT_LIMITED = replace(LASTING, days_to_low=70, lot_days=33)
NOT_REPROGRAMMED = replace(LASTING, days_to_low=9)
CONSTANT_FLOW = Wish(days_to_low=38, model=CODMAN_30)

# Booked too late, and missed.
VISITED = (OVER_DELIVERING, CONSTANT_FLOW)


def _later(*days: float) -> tuple[Wish, ...]:
    """Unremarkable pumps; one in six is a Prometra."""
    return tuple(Wish(days_to_low=day, model=PROMETRA_20 if place % 6 == 2 else None) for place, day in enumerate(days))


STORY: dict[SimClinic, tuple[Wish, ...]] = {
    HARBOR: (PAST, LOW, *URGENT[:2], STOPPED, LOT_LIMITED, CONSTANT_FLOW, OVER_DELIVERING, *_later(*range(29, 89, 5))),
    MESA: (PAST, URGENT[2], WITHOUT_DOSE, *_later(*range(22, 82, 5))),
    NORTHGATE: (URGENT[3], RAN_DRY, NOT_REPROGRAMMED, *_later(*range(26, 80, 6))),
}


@dataclass(frozen=True)
class LogIn:
    role: str
    email: str
    clinics: str
    password: str = PASSWORD


THE_THREE, EVERYWHERE = "the three clinics", "all clinics"
LOG_INS = (
    *(
        LogIn(role.value, f"{role.value}@demo.example", EVERYWHERE if role is Role.ADMINISTRATOR else THE_THREE)
        for role in Role
    ),
    LogIn(Role.NURSE.value, "northgate.nurse@demo.example", NORTHGATE.name),
)


def load(*, now: datetime) -> Sequence[LogIn]:
    """Load the demo, all or nothing, unless it is there already; returns its log-ins.

    A database with clinics of its own is left alone: no demo is loaded, and there are no log-ins.

    Raises:
        Conflict: this is not the demo.
    """
    if not settings.DEMO:
        raise Conflict(gettext("The demo is loaded only where BRIM_DEMO is on."))
    with transaction.atomic():
        if User.objects.filter(is_demo=True).exists():
            return LOG_INS
        if Clinic.objects.exists():
            return ()
        serials = _import_story(now)
        nurse = _make_accounts()
        _fill_without_programming(serials[NOT_REPROGRAMMED], nurse, now)
        _book_visits(serials, nurse, now)
        _tell_courses(serials, now)
        go_live(clinic=Clinic.objects.get(name=HARBOR.name), now=now)
    return LOG_INS


def _import_story(now: datetime) -> dict[Wish, str]:
    """Returns the serial number of the pump of each wish."""
    pumps = [(wish, pump) for wish, pump in story(now)]
    with TemporaryDirectory(prefix="brim-demo-") as folder:
        write(Path(folder), CLINICS, (pump for _, pump in pumps))
        import_folder(folder=Path(folder), user=None, now=now)
    return {wish: pump.pump["serial_number"] for wish, pump in reversed(pumps)}


def story(now: datetime) -> Iterator[tuple[Wish, SimPump]]:
    number = 0
    for clinic, wishes in STORY.items():
        for wish in wishes:
            yield wish, simulate(seed=SEED, number=number, clinic=clinic, now=now, wish=wish)
            number += 1


def _make_accounts() -> User:
    """One account a role, and a nurse of one clinic only, who is returned."""
    # Hashed once: the password is published, and hashing is slow on purpose.
    hashed = make_password(PASSWORD)
    clinics = {clinic.name: clinic for clinic in Clinic.objects.filter(name__in=[clinic.name for clinic in CLINICS])}
    for log_in in LOG_INS:
        name = f"Demo {log_in.role}"
        user = User.objects.create(email=log_in.email, name=name, password=hashed, is_demo=True)
        Membership.objects.bulk_create(
            Membership(user=user, clinic=clinic, role=log_in.role) for clinic in _places(log_in, clinics)
        )
    return user


def _places(log_in: LogIn, clinics: dict[str, Clinic]) -> list[Clinic | None]:
    """Where an account has its role; None is every clinic, also later ones, so that new ones can be imported."""
    if log_in.clinics == EVERYWHERE:
        return [None]
    return [*clinics.values()] if log_in.clinics == THE_THREE else [clinics[log_in.clinics]]


def _fill_without_programming(serial_number: str, nurse: User, now: datetime) -> None:
    """A refill with the stronger drug this morning, on a pump that still believes in the weaker one."""
    pump = Pump.objects.visible_to(nurse).get(serial_number=serial_number)
    entry = RefillEntry(
        refilled_at=now - timedelta(hours=2),
        aspirated_ml=Decimal("4.5"),
        filled_ml=Decimal(40),
        concentration_mcg_per_ml=Decimal(2000),
        programmed_concentration_mcg_per_ml=Decimal(500),
        formulation="Gablofen",
        lot_number="L55021",
        drug_expires_on=(now + timedelta(days=400)).date(),
    )
    ledger.record(pump_id=pump.pk, entry=entry, user=nurse, source=Event.Source.PAGE, now=now)


def _tell_courses(serials: dict[Wish, str], now: datetime) -> None:
    """One patient with a dose to sign, and one candidate between two test doses."""
    pump = Pump.objects.select_related("patient", "clinic", "model").get(serial_number=serials[OVER_DELIVERING])
    nurse, prescriber = (User.objects.get(email=f"{role.value}@demo.example") for role in (Role.NURSE, Role.PRESCRIBER))
    demo_course.maintained(pump, nurse=nurse, prescriber=prescriber, now=now)
    demo_course.screened(pump.clinic, nurse=nurse, now=now)


def _book_visits(serials: dict[Wish, str], by: User, now: datetime) -> None:
    """One visit in time; one that was booked by the pump's own date, which is too late; and one that was missed."""
    in_time, late, missed = (Pump.objects.get(serial_number=serials[wish]) for wish in (*URGENT[:1], *VISITED))
    [free, *_] = booking.free_times(pump=in_time, now=now) or [now + timedelta(hours=2)]
    booking.book(pump_id=in_time.pk, starts_at=free, late_reason="The first time that is free", by=by, now=now)
    own_date = Forecast.objects.get(pump=late).programmed_low_at or now
    at = _at_ten(late, max(own_date, now) - timedelta(days=2))
    booking.book(pump_id=late.pk, starts_at=at, late_reason="Booked by the pump's own date", by=by, now=now)
    began = _at_ten(missed, now - timedelta(days=3))
    booking.book(pump_id=missed.pk, starts_at=began, by=by, now=began - timedelta(days=5))
    booking.mark_missed(now)


def _at_ten(pump: Pump, moment: datetime) -> datetime:
    """Ten o'clock of a moment's day, on the clinic's wall."""
    return moment.astimezone(pump.clinic.zone).replace(hour=10, minute=0, second=0, microsecond=0)
