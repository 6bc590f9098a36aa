"""Booking, moving, ending a visit; and the alerts that follow."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from alerts.models import Alert
from clinics.errors import Conflict, Impossible, Overtaken
from pumps.models import Forecast, Pump
from pumps.services import booking, care, devices, fleet, ledger, settings
from pumps.services.entries import RefillEntry
from scheduling.models import Appointment
from scheduling.states import FOLLOWS, State
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user
from tests.scheduling.visits import DAY, a_visit, open_kinds, state_of, steps_of

pytestmark = pytest.mark.django_db


def refill_by(pump: Pump) -> datetime:
    found = Forecast.objects.get(pump=pump).refill_by
    assert found is not None
    return found


def test_a_visit_is_booked_with_its_step() -> None:
    user, pump = a_user(), a_running_pump()
    visit = a_visit(pump, by=user)
    assert (visit.state, visit.sequence, visit.minutes, visit.booked_by) == ("booked", 0, 30, user)
    [step] = visit.steps.all()
    assert (step.what, step.by, step.at) == ("booked", user, NOW)


@pytest.mark.parametrize("starts_at", [NOW - timedelta(minutes=6), NOW + 731 * DAY])
def test_a_time_that_cannot_be_is_refused_at_its_field(starts_at: datetime) -> None:
    with pytest.raises(Impossible) as refused:
        a_visit(a_running_pump(), starts_at, late_reason="far")
    assert set(refused.value.errors) == {"starts_at"}


def test_a_pump_has_one_visit_at_most() -> None:
    pump = a_running_pump()
    a_visit(pump)
    with pytest.raises(Conflict, match="booked for this pump already"):
        a_visit(pump, NOW + 9 * DAY)


def test_nothing_is_booked_for_a_pump_that_is_out() -> None:
    pump = a_running_pump()
    devices.explant(pump=pump, on=NOW.date(), reason="infection", now=NOW, by=a_user())
    with pytest.raises(Conflict, match="out"):
        a_visit(pump)


# --- after the date -------------------------------------------------------------------------------------------------


def test_a_visit_after_the_date_needs_a_reason_and_is_an_alert() -> None:
    pump = a_running_pump()
    late = refill_by(pump) + timedelta(minutes=1)
    with pytest.raises(Impossible) as refused:
        a_visit(pump, late, late_reason="  ")
    assert set(refused.value.errors) == {"late_reason"}
    assert not Appointment.objects.exists()
    visit = a_visit(pump, late, late_reason="abroad until then")
    assert visit.late_reason == "abroad until then"
    assert open_kinds(pump) == {"appointment_late"}
    assert "visit on" in Alert.objects.get(kind="appointment_late").detail


def test_a_visit_at_the_very_moment_is_in_time() -> None:
    pump = a_running_pump()
    a_visit(pump, refill_by(pump), late_reason="not needed")
    assert open_kinds(pump) == set()
    assert Appointment.objects.get().late_reason == ""


def test_the_alert_stays_while_the_visit_stays_late_and_closes_once_it_is_moved_before() -> None:
    pump = a_running_pump()
    visit = a_visit(pump, refill_by(pump) + DAY, late_reason="abroad")
    booking.move(appointment_id=visit.pk, starts_at=refill_by(pump) + 2 * DAY, by=a_user(), now=NOW)
    fleet.tick(NOW + DAY)
    assert open_kinds(pump) == {"appointment_late"}
    booking.move(appointment_id=visit.pk, starts_at=refill_by(pump) - DAY, by=a_user(), now=NOW)
    assert open_kinds(pump) == set()
    assert Alert.objects.get(kind="appointment_late").closed_reason == "the visit is before refill-by"


def test_the_alert_of_a_late_visit_closes_with_the_refill() -> None:
    pump = a_running_pump()
    a_visit(pump, refill_by(pump) + DAY, late_reason="abroad")
    refill = a_refill(pump, NOW)
    alert = Alert.objects.get(kind="appointment_late")
    assert (alert.closed_reason, alert.closed_by_event_id) == ("refilled", refill.pk)


def test_a_forecast_that_moves_ahead_of_the_visit_opens_the_alert_at_once() -> None:
    pump = a_running_pump()
    a_visit(pump, refill_by(pump) - DAY)
    assert open_kinds(pump) == set()
    a_dose(pump, NOW, daily_dose_mcg=Decimal(300))
    assert "appointment_late" in open_kinds(pump)
    assert Alert.objects.get(kind="appointment_late").next_due_at == NOW


def test_a_setting_that_moves_the_date_ahead_of_the_visit_opens_it_with_the_next_tick() -> None:
    clinic = a_clinic()
    pump = a_running_pump(clinic)
    a_visit(pump, refill_by(pump) - DAY)
    settings.change(clinic=clinic, settings=settings.ClinicSettings(refill_margin_days=14), now=NOW)
    fleet.tick(NOW)
    assert open_kinds(pump) == {"appointment_late"}


# --- the refill alert knows of the visit ------------------------------------------------------------------------------


def test_the_refill_alert_knows_the_visit_that_stands() -> None:
    pump = a_running_pump(filled_days_ago=75)
    fleet.tick(NOW)
    visit = a_visit(pump, NOW + 2 * DAY)
    alert = Alert.objects.get(kind="refill_due")
    assert alert.booked_at == visit.starts_at
    booking.move(appointment_id=visit.pk, starts_at=NOW + 3 * DAY, by=a_user(), now=NOW)
    alert.refresh_from_db()
    assert alert.booked_at == NOW + 3 * DAY


def test_an_alert_that_opens_later_knows_the_visit_as_well() -> None:
    pump = a_running_pump(filled_days_ago=50)
    visit = a_visit(pump, refill_by(pump) - 2 * DAY)
    fleet.tick(refill_by(pump) - 27 * DAY)
    assert Alert.objects.get(kind="refill_due").booked_at == visit.starts_at


def test_a_visit_that_is_cancelled_makes_the_refill_alert_due_at_once() -> None:
    pump = a_running_pump(filled_days_ago=75)
    fleet.tick(NOW)
    visit = a_visit(pump, NOW + 2 * DAY)
    later = NOW + timedelta(hours=1)
    assert Alert.objects.get(kind="refill_due").next_due_at != later
    booking.cancel(appointment_id=visit.pk, reason="ill", by=a_user(), now=later)
    alert = Alert.objects.get(kind="refill_due")
    assert (alert.booked_at, alert.next_due_at) == (None, later)


# --- the states -------------------------------------------------------------------------------------------------------

Act = Callable[[Appointment], object]
ACTS: dict[State, Act] = {
    State.CONFIRMED: lambda visit: booking.confirm(appointment_id=visit.pk, by=a_user(), now=NOW + 3 * DAY),
    State.ARRIVED: lambda visit: booking.arrive(appointment_id=visit.pk, by=a_user(), now=NOW + 3 * DAY),
    State.NO_SHOW: lambda visit: booking.no_show(appointment_id=visit.pk, by=a_user(), now=NOW + 3 * DAY),
    State.CANCELLED: lambda visit: booking.cancel(
        appointment_id=visit.pk, reason="ill", by=a_user(), now=NOW + 3 * DAY
    ),
    State.BOOKED: lambda visit: booking.move(
        appointment_id=visit.pk, starts_at=NOW + 5 * DAY, by=a_user(), now=NOW + 3 * DAY
    ),
    State.DONE: lambda visit: a_refill(visit.pump, NOW + 3 * DAY, now=NOW + 3 * DAY),
}


def in_state(state: State) -> Appointment:
    visit = a_visit(a_running_pump())
    if state is not State.BOOKED:
        ACTS[state](visit)
    visit.refresh_from_db()
    assert visit.state == state
    return visit


@pytest.mark.parametrize("after", [state for state in State if state is not State.DONE])
@pytest.mark.parametrize("before", list(State))
def test_each_state_follows_only_where_it_may(before: State, after: State) -> None:
    visit = in_state(before)
    steps = len(steps_of(visit))
    may = after in FOLLOWS[before] or (before, after) == (State.BOOKED, State.BOOKED)
    if may:
        ACTS[after](visit)
        assert state_of(visit) == after
        assert len(steps_of(visit)) == steps + 1
    elif before is after:
        ACTS[after](visit)  # said twice is said once
        assert (state_of(visit), len(steps_of(visit))) == (before, steps)
    else:
        with pytest.raises(Conflict):
            ACTS[after](visit)
        assert (state_of(visit), len(steps_of(visit))) == (before, steps)


@pytest.mark.parametrize("before", list(State))
def test_a_refill_on_the_day_makes_a_visit_done_unless_it_has_ended(before: State) -> None:
    visit = in_state(before)
    if before is State.DONE:
        return
    ACTS[State.DONE](visit)
    assert state_of(visit) == (State.CANCELLED if before is State.CANCELLED else State.DONE)


def test_moving_grows_the_sequence_and_asks_to_confirm_again() -> None:
    visit = a_visit(a_running_pump())
    booking.confirm(appointment_id=visit.pk, by=None, now=NOW, who="the patient")
    visit.refresh_from_db()
    assert visit.sequence == 0
    booking.move(appointment_id=visit.pk, starts_at=NOW + 5 * DAY, reason="bus strike", by=a_user(), now=NOW)
    visit.refresh_from_db()
    assert (visit.state, visit.sequence) == ("booked", 1)
    steps = list(visit.steps.order_by("pk"))
    assert (steps[1].by, steps[1].detail) == (None, "the patient")
    assert "bus strike" in steps[2].detail


def test_what_somebody_changed_meanwhile_is_not_written_over() -> None:
    visit = a_visit(a_running_pump())
    booking.move(appointment_id=visit.pk, starts_at=NOW + 5 * DAY, by=a_user(), now=NOW)
    with pytest.raises(Overtaken):
        booking.cancel(appointment_id=visit.pk, reason="ill", by=a_user(), now=NOW, seen=0)
    assert state_of(visit) == "booked"


def test_cancelling_says_why() -> None:
    visit = a_visit(a_running_pump())
    with pytest.raises(Impossible) as refused:
        booking.cancel(appointment_id=visit.pk, reason=" ", by=a_user(), now=NOW)
    assert set(refused.value.errors) == {"reason"}
    booking.cancel(appointment_id=visit.pk, reason="ill", by=a_user(), now=NOW)
    assert Appointment.objects.get(pk=visit.pk).ended_reason == "ill"


def test_nobody_arrives_on_a_later_days_visit_or_misses_one_that_has_not_begun() -> None:
    visit = a_visit(a_running_pump())
    with pytest.raises(Conflict, match="later day"):
        booking.arrive(appointment_id=visit.pk, by=a_user(), now=NOW)
    with pytest.raises(Conflict, match="not begun"):
        booking.no_show(appointment_id=visit.pk, by=a_user(), now=NOW + 3 * DAY - timedelta(minutes=1))


# --- missed -----------------------------------------------------------------------------------------------------------


def test_a_visit_nobody_came_to_is_missed_at_the_end_of_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = a_running_pump()
    visit = a_visit(pump)
    midnight = datetime(2026, 11, 26, 5, 0, tzinfo=NOW.tzinfo)  # the day ends in New York
    assert booking.mark_missed(midnight - timedelta(seconds=1)) == 0
    assert booking.mark_missed(midnight) == 1
    assert state_of(visit) == "no_show"
    assert open_kinds(pump) == {"no_show"}
    assert booking.mark_missed(midnight + DAY) == 0


def test_one_visit_that_breaks_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = a_visit(a_running_pump()), a_visit(a_running_pump())
    real = booking._end_overdue

    def breaking(pk: int, now: datetime) -> bool:
        if pk == first.pk:
            raise ValueError("this one")
        return real(pk, now)

    monkeypatch.setattr(booking, "_end_overdue", breaking)
    assert booking.mark_missed(NOW + 5 * DAY) == 1
    assert (state_of(first), state_of(second)) == ("booked", "no_show")


def test_a_missed_visit_is_an_alert_until_one_is_booked() -> None:
    pump = a_running_pump()
    a_visit(pump)
    booking.mark_missed(NOW + 5 * DAY)
    new = a_visit(pump, NOW + 9 * DAY, now=NOW + 5 * DAY)
    assert open_kinds(pump) == set()
    assert Alert.objects.get(kind="no_show").closed_reason == "a new visit is booked"
    booking.cancel(appointment_id=new.pk, reason="moves away", by=a_user(), now=NOW + 5 * DAY)
    assert open_kinds(pump) == set()


def test_a_missed_visit_is_an_alert_until_the_refill() -> None:
    pump = a_running_pump()
    a_visit(pump)
    booking.mark_missed(NOW + 5 * DAY)
    fleet.tick(NOW + 6 * DAY)
    assert open_kinds(pump) == {"no_show"}
    a_refill(pump, NOW + 6 * DAY, now=NOW + 6 * DAY)
    assert open_kinds(pump) == set()
    assert Alert.objects.get(kind="no_show").closed_reason == "refilled"


def test_one_who_came_after_all_was_not_missed() -> None:
    pump = a_running_pump()
    visit = a_visit(pump)
    booking.no_show(appointment_id=visit.pk, by=a_user(), now=NOW + 3 * DAY)
    booking.arrive(appointment_id=visit.pk, by=a_user(), now=NOW + 3 * DAY + timedelta(hours=1))
    assert open_kinds(pump) == set()


def test_one_who_came_and_was_not_refilled_quiets_nobody_for_long() -> None:
    pump = a_running_pump(filled_days_ago=75)
    fleet.tick(NOW)
    visit = a_visit(pump)
    booking.arrive(appointment_id=visit.pk, by=a_user(), now=NOW + 3 * DAY)
    assert booking.mark_missed(NOW + 4 * DAY) == 0
    assert booking.mark_missed(NOW + 5 * DAY) == 1
    assert state_of(visit) == "cancelled"
    alert = Alert.objects.get(kind="refill_due")
    assert (alert.booked_at, alert.next_due_at) == (None, NOW + 5 * DAY)


# --- the refill -------------------------------------------------------------------------------------------------------


def test_a_void_of_the_refill_brings_the_visit_back() -> None:
    pump = a_running_pump()
    visit = a_visit(pump)
    booking.confirm(appointment_id=visit.pk, by=a_user(), now=NOW)
    at = NOW + 3 * DAY
    refill = a_refill(pump, at, now=at)
    visit.refresh_from_db()
    assert (visit.state, visit.refill_id, visit.remind_at, visit.overdue_at) == ("done", refill.pk, None, None)
    ledger.void(pump_id=pump.pk, event_id=refill.pk, reason="another patient", user=a_user(), source="page", now=at)
    visit.refresh_from_db()
    assert (visit.state, visit.refill_id) == ("confirmed", None)
    assert visit.overdue_at is not None


def test_a_corrected_refill_is_the_one_given_at_the_visit() -> None:
    pump = a_running_pump()
    visit = a_visit(pump)
    at = NOW + 3 * DAY
    wrong = a_refill(pump, at, now=at)
    right = a_refill(pump, at + timedelta(hours=1), now=at + timedelta(hours=1))
    ledger.void(
        pump_id=pump.pk,
        event_id=wrong.pk,
        reason="typed twice",
        user=a_user(),
        source="page",
        now=at,
        replacement=right,
    )
    visit.refresh_from_db()
    assert (visit.state, visit.refill_id) == ("done", right.pk)


def test_a_refill_on_another_day_cancels_the_visit_and_its_void_books_it_again() -> None:
    pump = a_running_pump()
    visit = a_visit(pump)
    refill = a_refill(pump, NOW - timedelta(hours=1))
    visit.refresh_from_db()
    assert (visit.state, visit.ended_reason) == ("cancelled", "refilled on Sun 22 Nov 2026")
    ledger.void(pump_id=pump.pk, event_id=refill.pk, reason="another patient", user=a_user(), source="page", now=NOW)
    visit.refresh_from_db()
    assert (visit.state, visit.ended_reason, visit.sequence) == ("booked", "", 2)


def test_a_void_does_not_bring_a_visit_back_beside_another() -> None:
    pump = a_running_pump()
    visit = a_visit(pump)
    refill = a_refill(pump, NOW)
    other = a_visit(pump, NOW + 20 * DAY)
    ledger.void(pump_id=pump.pk, event_id=refill.pk, reason="another patient", user=a_user(), source="page", now=NOW)
    assert (state_of(visit), state_of(other)) == ("cancelled", "booked")


def test_the_pumps_history_cancels_no_visit() -> None:
    pump = a_pump()
    visit = a_visit(pump)
    a_refill(pump, NOW - 60 * DAY)
    a_refill(pump, NOW - 90 * DAY)
    assert state_of(visit) == "booked"


# --- out of use -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["deceased", "therapy_ended"])
def test_the_end_of_care_cancels_the_visit(status: str) -> None:
    pump = a_running_pump()
    visit = a_visit(pump, refill_by(pump) + DAY, late_reason="abroad")
    care.change_status(patient=pump.patient, status=status, on=NOW.date(), reason="told by phone", now=NOW)
    assert (state_of(visit), open_kinds(pump)) == ("cancelled", set())


def test_a_pump_that_is_replaced_has_no_visit_any_more() -> None:
    pump = a_running_pump()
    visit = a_visit(pump)
    new = devices.replace(
        pump=pump, on=NOW.date(), reason="x" * 500, model=pump.model, now=NOW, by=a_user(), serial_number="NEW1"
    )
    assert state_of(visit) == "cancelled"
    assert a_visit(new).state == "booked"


def test_a_correction_keeps_the_visit_it_was_given_at_and_the_next_one() -> None:
    pump = a_running_pump()
    given_at = a_visit(pump, NOW)
    wrong = a_refill(pump, NOW, aspirated_ml=Decimal(8))
    following = a_visit(pump, NOW + 10 * DAY, now=NOW + timedelta(hours=1))
    for late, lot in ((timedelta(hours=2), "B"), (3 * DAY, "C")):
        entry = RefillEntry(
            refilled_at=NOW,
            filled_ml=Decimal(40),
            concentration_mcg_per_ml=Decimal(500),
            aspirated_ml=Decimal(8),
            lot_number=lot,
        )
        void = ledger.void(
            pump_id=pump.pk,
            event_id=wrong.pk,
            reason="the lot was misread",
            user=a_user(),
            source="page",
            now=NOW + late,
            replacement=entry,
            confirmed=["aspirated_unexpected"],
        )
        assert void.replacement is not None
        wrong = void.replacement
        assert (state_of(given_at), state_of(following)) == ("done", "booked")
        assert Appointment.objects.get(pk=given_at.pk).refill == wrong


def test_a_refill_recorded_again_leaves_the_next_visit_alone() -> None:
    pump = a_running_pump(filled_days_ago=80)
    wrong = a_refill(pump, NOW, now=NOW)
    following = a_visit(pump, NOW + 60 * DAY, now=NOW + timedelta(hours=1))
    at = NOW + timedelta(hours=2)
    ledger.void(pump_id=pump.pk, event_id=wrong.pk, reason="slip", user=a_user(), source="page", now=at)
    a_refill(pump, NOW - timedelta(minutes=30), now=at)
    following.refresh_from_db()
    assert following.state == "booked"
