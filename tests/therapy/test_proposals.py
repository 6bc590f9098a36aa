from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client

from clinical.weaning import Down
from clinics.errors import Conflict, Impossible, Overtaken
from clinics.models import Clinic, User
from clinics.roles import Role
from patients.models import Patient
from pumps.models import DoseSignature, Event, Forecast, Pump
from pumps.services import devices, ledger, signing
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user, recorded
from tests.therapy.builders import a_proposal, a_signed_proposal, confirm, wanted
from therapy.models import Medicine, Phase, PhaseChange, Proposal, WeaningPlan
from therapy.rules import rules_of
from therapy.services import drafts, proposals, protocols, weaning
from therapy.services.checks import Blocked
from therapy.waiting import how_many

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic()


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, catheter_volume_ml=D("0.15"))


@pytest.fixture
def nurse(clinic: Clinic) -> User:
    return a_user(Role.NURSE, clinic)


@pytest.fixture
def prescriber(clinic: Clinic) -> User:
    return a_user(Role.PRESCRIBER, clinic)


def in_phase(patient: Patient, phase: Phase, by: User, days_ago: float = 400) -> None:
    at = NOW - days_ago * DAY
    PhaseChange.objects.create(patient=patient, phase=phase, began_at=at, recorded_by=by, recorded_at=at)


def drafted(pump: Pump, dose: str = "220", **fields: Any) -> drafts.Draft:
    row = Pump.objects.select_related("model", "clinic", "patient").get(pk=pump.pk)
    return drafts.drafted(row, wanted(dose, **fields), now=NOW)


def codes(pump: Pump, dose: str = "220", **fields: Any) -> set[str]:
    return {finding.code for finding in drafted(pump, dose, **fields).findings}


def test_a_dose_is_in_the_ledger_once_it_was_read_back(pump: Pump, nurse: User, prescriber: User) -> None:
    before = Forecast.objects.get(pump=pump).programmed_low_at
    made = a_signed_proposal(pump, nurse, prescriber)
    assert Forecast.objects.get(pump=pump).programmed_low_at == before
    done, differing = confirm(made, nurse)
    assert differing == {}
    assert done.state == "programmed"
    event = Event.objects.get(pk=done.event_id)
    assert (event.daily_dose_mcg, event.recorded_by_id, event.occurred_at) == (D(220), nurse.pk, NOW)
    assert Forecast.objects.get(pump=pump).programmed_low_at < before  # type: ignore[operator]
    assert not DoseSignature.objects.filter(event=event).exists()
    assert done.compared[0] == ["Daily dose", "200 mcg/day", "220 mcg/day"]


@pytest.mark.parametrize(
    ("shown", "words"), [("5280", "24 times"), ("9.17", "1/24"), ("880", "4 times"), ("55", "1/4")]
)
def test_a_slip_at_the_programmer_stops_it_and_is_kept(
    pump: Pump, nurse: User, prescriber: User, shown: str, words: str
) -> None:
    made = a_signed_proposal(pump, nurse, prescriber)
    _, differing = confirm(made, nurse, shown)
    assert words in differing["daily_dose_mcg"].message
    made.refresh_from_db()
    assert made.state == "signed"
    assert made.event_id is None
    assert made.mismatches[0]["by"] == str(nurse)
    assert words in made.mismatches[0]["told"][0]
    _, differing = confirm(made, nurse)
    assert differing == {}
    made.refresh_from_db()
    assert len(made.mismatches) == 1


def test_a_block_needs_a_prescribers_reason_which_stays(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_proposal(pump, nurse, "261")
    assert "step_above_band" in {finding["code"] for finding in made.findings}
    with pytest.raises(Blocked, match="30 %"):
        proposals.sign(proposal_id=made.pk, override_reason=" ", by=prescriber, now=NOW)
    with pytest.raises(Impossible, match="prescriber"):
        proposals.sign(proposal_id=made.pk, override_reason="I know", by=nurse, now=NOW)
    signed = proposals.sign(proposal_id=made.pk, override_reason="dystonic crisis", by=prescriber, now=NOW)
    assert "a rule is overridden" in signed.second_person
    with pytest.raises(Conflict, match="Somebody else"):
        confirm(signed, prescriber, "261")
    done, _ = confirm(signed, nurse, "261")
    assert done.override_reason == "dystonic crisis"
    assert Event.objects.get(pk=done.event_id).override_reason == "dystonic crisis"


def test_an_unneeded_override_is_not_kept(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_proposal(pump, nurse)
    assert (
        proposals.sign(proposal_id=made.pk, override_reason="to be safe", by=prescriber, now=NOW).override_reason == ""
    )


@pytest.mark.parametrize(
    ("dose", "second"), [("240", []), ("240.1", ["the dose rises by more than 20 %"]), ("170", [])]
)
def test_a_second_person_above_20_percent(pump: Pump, nurse: User, dose: str, second: list[str]) -> None:
    assert a_proposal(pump, nurse, dose).second_person == second


def test_the_signer_confirms_alone_where_nobody_asks_for_a_second_person(
    pump: Pump, nurse: User, prescriber: User
) -> None:
    _, differing = confirm(a_signed_proposal(pump, nurse, prescriber), prescriber)
    assert differing == {}


def test_a_clinic_may_ask_for_a_second_person_always(pump: Pump, nurse: User, prescriber: User) -> None:
    protocols.store(clinic=pump.clinic, figures={}, second_person=True, rescue_words="", by=prescriber, now=NOW)
    made = a_signed_proposal(pump, nurse, prescriber)
    assert made.second_person == ["the clinic asks for it"]
    with pytest.raises(Conflict, match="the clinic asks for it"):
        confirm(made, prescriber)


def test_a_tighter_protocol_holds_and_its_version_is_kept(pump: Pump, nurse: User, prescriber: User) -> None:
    assert "step_above_band" not in codes(pump, "230")
    figures = {"titration_step_pct.spinal": D(12)}
    first = protocols.store(
        clinic=pump.clinic, figures=figures, second_person=False, rescue_words="", by=prescriber, now=NOW
    )
    assert "step_above_band" in codes(pump, "230")
    made = a_proposal(pump, nurse, "230")
    assert made.protocol == first
    assert made.label_version == rules_of(pump.clinic).labels.version
    assert protocols.store(
        clinic=pump.clinic, figures={}, second_person=False, rescue_words="", by=prescriber, now=NOW
    ).version == 2  # fmt: skip
    assert "step_above_band" not in codes(pump, "230")
    made.refresh_from_db()
    assert made.protocol == first
    with pytest.raises(Impossible, match="tighter"):
        protocols.store(
            clinic=pump.clinic, figures={"titration_step_pct.spinal": D(31)}, second_person=False, rescue_words="",
            by=prescriber, now=NOW,
        )  # fmt: skip


def test_one_proposal_is_open_at_a_time(pump: Pump, nurse: User) -> None:
    made = a_proposal(pump, nurse)
    with pytest.raises(Conflict, match="already"):
        a_proposal(pump, nurse)
    with pytest.raises(Impossible, match="Say why"):
        proposals.withdraw(proposal_id=made.pk, reason=" ", by=nurse, now=NOW)
    proposals.withdraw(proposal_id=made.pk, reason="tomorrow", by=nurse, now=NOW)
    a_proposal(pump, nurse)
    with pytest.raises(Conflict, match="not open"):
        proposals.withdraw(proposal_id=made.pk, reason="again", by=nurse, now=NOW)


def test_a_dose_that_changed_meanwhile_is_not_signed_nor_confirmed(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_proposal(pump, nurse)
    a_dose(pump, NOW - timedelta(hours=1), daily_dose_mcg=D(210))
    with pytest.raises(Conflict, match="changed since"):
        proposals.sign(proposal_id=made.pk, override_reason="", by=prescriber, now=NOW)
    proposals.withdraw(proposal_id=made.pk, reason="anew", by=nurse, now=NOW)
    other = a_proposal(pump, nurse, "200")
    signed = proposals.sign(proposal_id=other.pk, override_reason="", by=prescriber, now=NOW)
    a_dose(pump, NOW - timedelta(minutes=1), daily_dose_mcg=D(215))
    with pytest.raises(Conflict, match="changed since"):
        confirm(signed, nurse, "200")


def test_a_change_of_concentration_asks_for_its_bridge_or_a_reason(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_proposal(pump, nurse, "200", concentration_mcg_per_ml=D(2000))
    assert made.bridge["volume_ml"]
    assert "the concentration changes" in made.second_person
    proposals.withdraw(proposal_id=made.pk, reason="declined", by=nurse, now=NOW)
    declined = a_proposal(
        pump, nurse, "200", concentration_mcg_per_ml=D(2000), bridge_declined_reason="catheter was emptied"
    )
    assert declined.bridge == {}
    assert "the concentration changes" in declined.second_person
    assert declined.bridge_declined_reason == "catheter was emptied"
    signed = proposals.sign(proposal_id=declined.pk, override_reason="", by=prescriber, now=NOW)
    with pytest.raises(Conflict, match="log the refill with 2000"):
        confirm(signed, nurse, "200", "2000")
    a_refill(pump, NOW - timedelta(minutes=5), concentration_mcg_per_ml=D(2000), aspirated_ml=D(28),
             programmed_concentration_mcg_per_ml=D(2000))  # fmt: skip
    _, differing = confirm(signed, nurse, "200", "2000")
    assert differing == {}
    assert not Event.objects.filter(pump=pump, kind="bridge_bolus").exists()


def test_a_bridge_that_cannot_be_computed_blocks(clinic: Clinic) -> None:
    pump = a_running_pump(clinic)
    assert "bridge_unknown" in codes(pump, "200", concentration_mcg_per_ml=D(2000))
    assert "bridge_unknown" not in codes(
        pump, "200", concentration_mcg_per_ml=D(2000), bridge_declined_reason="emptied"
    )


@pytest.mark.parametrize(
    ("last", "days", "blocked"), [("0", 0, False), ("0", 1, False), ("0", 1.1, True), ("100", 0, True)]
)
def test_a_pump_is_stopped_where_a_plan_has_come_to_its_stop(
    pump: Pump, prescriber: User, last: str, days: float, blocked: bool
) -> None:
    stop = {"mode": "stopped"}
    assert "stop_without_plan" in codes(pump, "0", **stop)
    steps = [{"at": (NOW + days * DAY).isoformat(), "daily_dose_mcg": last}]
    WeaningPlan.objects.create(
        clinic=pump.clinic, patient=pump.patient, pump=pump, state="signed", reason="infection", steps=steps,
        current_daily_dose_mcg=200, label_set="us", label_version=1, drafted_at=NOW, drafted_by=prescriber,
        signed_at=NOW, signed_by=prescriber,
    )  # fmt: skip
    assert ("stop_without_plan" in codes(pump, "0", **stop)) is blocked


def test_steps_and_patient_boluses_are_read_back_too(pump: Pump, nurse: User, prescriber: User) -> None:
    steps = [{"start": "06:00", "rate_mcg_per_h": "8"}, {"start": "22:00", "rate_mcg_per_h": "10"}]
    made = a_signed_proposal(
        pump, nurse, prescriber, "208", mode="flex", steps=steps, patient_bolus_mcg=D(10), patient_boluses_per_day=4
    )
    _, differing = confirm(made, nurse, "208")
    assert set(differing) == {"step_count", "highest_rate_mcg_per_h", "patient_bolus_mcg", "patient_boluses_per_day"}
    shown: dict[str, Any] = {
        "step_count": D(2),
        "highest_rate_mcg_per_h": D(10),
        "patient_bolus_mcg": D(40),
        "patient_boluses_per_day": D(4),
    }
    _, differing = confirm(made, nurse, "208", **shown)
    assert "about 4 times it" in differing["patient_bolus_mcg"].message
    _, differing = confirm(made, nurse, "208", **{**shown, "patient_bolus_mcg": D(10)})
    assert differing == {}


def test_a_pump_that_came_out_meanwhile_is_not_confirmed(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_signed_proposal(pump, nurse, prescriber)
    Pump.objects.filter(pk=pump.pk).update(status="explanted", explanted_on=NOW.date())
    with pytest.raises(Conflict, match="not in use"):
        confirm(made, nurse)


def test_a_pump_without_drug_is_not_programmed(clinic: Clinic, nurse: User, prescriber: User) -> None:
    empty = a_pump(clinic)
    proposed = a_proposal(empty, nurse, "100")
    made = proposals.sign(proposal_id=proposed.pk, override_reason="moved here", by=prescriber, now=NOW)
    with pytest.raises(Conflict, match="log the first one"):
        confirm(made, nurse, "100")


def test_maintenance_has_wider_steps_and_looks_for_creep(pump: Pump, nurse: User) -> None:
    assert "step_above_band" in codes(pump, "275")
    in_phase(pump.patient, Phase.MAINTENANCE, nurse)
    assert "step_above_band" not in codes(pump, "275")
    assert "dose_creep" not in codes(pump, "275")
    assert "dose_creep" not in codes(pump, "280")
    assert "dose_creep" in codes(pump, "281")


def test_medicines_and_conditions_are_said_where_a_dose_is_decided(pump: Pump, nurse: User) -> None:
    Medicine.objects.create(patient=pump.patient, name="VALIUM 5 mg", recorded_by=nurse)
    Patient.objects.filter(pk=pump.patient_id).update(flags=["pregnant", "t6_or_above"])
    found = codes(pump)
    assert {"medicine_interacts", "condition_pregnant", "condition_t6_or_above"} <= found


def test_a_first_dose_without_a_screening_is_told(clinic: Clinic) -> None:
    pump = a_pump(clinic)
    a_refill(pump, NOW - DAY)
    assert codes(pump, "100") == {"no_screening"}


def test_what_no_pump_could_run_is_refused(pump: Pump) -> None:
    with pytest.raises(Impossible) as refused:
        drafted(pump, mode="flex")
    assert "steps" in refused.value.errors
    constant = a_pump(pump.clinic, model="codman-3000-16", factory_flow_ml_per_day=D("0.5"))
    with pytest.raises(Conflict, match="constant-flow"):
        drafted(constant)


def test_a_dose_made_without_a_signature_waits_for_one(pump: Pump, nurse: User, prescriber: User) -> None:
    DoseSignature.objects.all().delete()
    a_dose(pump, NOW - timedelta(hours=2), by=prescriber, daily_dose_mcg=D(210))
    assert list(signing.to_sign([pump.clinic_id])) == []
    made = a_dose(pump, NOW - timedelta(hours=1), by=nurse, daily_dose_mcg=D(205))
    assert [row.event_id for row in signing.to_sign([pump.clinic_id])] == [made.pk]
    signed = signing.sign(event_id=made.pk, by=prescriber, note=" seen ", now=NOW)
    assert (signed.signed_by, signed.note) == (prescriber, "seen")
    with pytest.raises(Conflict, match="already"):
        signing.sign(event_id=made.pk, by=prescriber, note="", now=NOW)
    assert list(signing.to_sign([pump.clinic_id])) == []


def test_another_clinics_proposals_are_not_there(pump: Pump, nurse: User) -> None:
    a_proposal(pump, nurse)
    stranger = a_user(Role.PRESCRIBER, a_clinic())
    assert not Proposal.objects.visible_to(stranger).exists()


def test_what_waits_is_counted_where_the_user_signs(pump: Pump, nurse: User, prescriber: User) -> None:
    DoseSignature.objects.all().delete()
    a_proposal(pump, nurse)
    a_dose(pump, NOW - timedelta(hours=1), by=nurse, daily_dose_mcg=D(205))
    assert (how_many(prescriber), how_many(nurse)) == (2, 0)
    assert how_many(a_user(Role.PRESCRIBER)) == 2
    assert how_many(a_user(Role.PRESCRIBER, a_clinic())) == 0


def blocks(pump: Pump, dose: str = "220", **fields: Any) -> set[str]:
    return {finding.code for finding in drafted(pump, dose, **fields).blocks}


def test_what_a_patient_may_call_for_counts_and_is_shown(pump: Pump) -> None:
    many = {"patient_bolus_mcg": D(500), "patient_boluses_per_day": 50}
    assert blocks(pump, "200", **many) == {"total_above_band"}
    few = {"patient_bolus_mcg": D(10), "patient_boluses_per_day": 4}
    draft = drafted(pump, "200", **few)
    assert draft.blocks == []
    assert draft.second_person == ["the patient may call for more"]
    assert ["Patient boluses", "none", "10 mcg, at most 4 a day"] in [[x.name, x.old, x.new] for x in draft.lines]


def test_the_refill_logged_first_still_needs_its_bridge(pump: Pump) -> None:
    a_refill(pump, NOW - timedelta(hours=1), concentration_mcg_per_ml=D(2000), aspirated_ml=D(28),
             programmed_concentration_mcg_per_ml=D(2000))  # fmt: skip
    draft = drafted(pump, "200")
    assert draft.bridge_json["volume_ml"]
    assert draft.second_person == ["the concentration changes"]
    assert ["Concentration", "500 mcg/mL", "2000 mcg/mL"] in [[x.name, x.old, x.new] for x in draft.lines]


def test_a_stopped_pump_is_compared_with_what_ran_last(pump: Pump, nurse: User) -> None:
    recorded(pump, EventEntry(kind="stop", occurred_at=NOW - timedelta(hours=1)), by=nurse)
    draft = drafted(pump, "1000")
    assert {"restart", "step_above_band", "too_soon"} <= {finding.code for finding in draft.findings}
    assert "no dose runs before it" in draft.second_person
    assert blocks(pump, "200") == set()


def test_next_to_nothing_is_a_stop(pump: Pump) -> None:
    assert "stop_without_plan" in blocks(pump, "11.9")
    assert "stop_without_plan" not in blocks(pump, "12")
    assert "the pump is stopped" in drafted(pump, "0", mode="stopped").second_person


def test_a_bridge_that_no_pump_runs_is_refused_at_once(pump: Pump) -> None:
    a_refill(pump, NOW - 2 * DAY, concentration_mcg_per_ml=D(2000), aspirated_ml=D(28),
             programmed_concentration_mcg_per_ml=D(2000))  # fmt: skip
    a_dose(pump, NOW - DAY, daily_dose_mcg=D(20))
    with pytest.raises(Impossible, match="720 h"):
        drafted(pump, "20", concentration_mcg_per_ml=D(500))
    drafted(pump, "20", concentration_mcg_per_ml=D(500), bridge_declined_reason="flushed")


def test_a_signature_is_given_on_what_was_shown(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_proposal(pump, nurse, "230")
    protocols.store(
        clinic=pump.clinic, figures={"titration_step_pct.spinal": D(12)}, second_person=False, rescue_words="",
        by=prescriber, now=NOW,
    )  # fmt: skip
    with pytest.raises(Overtaken, match="Look at it again"):
        proposals.sign(proposal_id=made.pk, override_reason="typed ahead", by=prescriber, now=NOW)
    made.refresh_from_db()
    assert made.state == "proposed"
    assert made.findings[0]["code"] == "step_above_band"
    assert made.protocol is not None
    signed = proposals.sign(proposal_id=made.pk, override_reason="seen", by=prescriber, now=NOW)
    assert signed.override_reason == "seen"


def test_a_catheter_corrected_meanwhile_asks_for_another_look(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_proposal(pump, nurse, "200", concentration_mcg_per_ml=D(2000))
    before = made.bridge["volume_ml"]
    Pump.objects.filter(pk=pump.pk).update(catheter_volume_ml=D("0.3"))
    with pytest.raises(Overtaken):
        proposals.sign(proposal_id=made.pk, override_reason="", by=prescriber, now=NOW)
    signed = proposals.sign(proposal_id=made.pk, override_reason="", by=prescriber, now=NOW)
    assert D(signed.bridge["volume_ml"]) == D(before) + D("0.15")


def test_there_and_back_is_no_standstill(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_proposal(pump, nurse, now=NOW - DAY)
    a_dose(pump, NOW - timedelta(hours=3), daily_dose_mcg=D(150))
    a_dose(pump, NOW - timedelta(hours=1), daily_dose_mcg=D(200))
    with pytest.raises(Conflict, match="changed since"):
        proposals.sign(proposal_id=made.pk, override_reason="", by=prescriber, now=NOW)


def test_a_clinic_that_asks_for_a_second_person_meanwhile_gets_one(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_signed_proposal(pump, nurse, prescriber)
    protocols.store(clinic=pump.clinic, figures={}, second_person=True, rescue_words="", by=prescriber, now=NOW)
    with pytest.raises(Conflict, match="the clinic asks for it"):
        confirm(made, prescriber)


def test_nobody_who_has_died_is_proposed_a_dose(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_signed_proposal(pump, nurse, prescriber)
    Patient.objects.filter(pk=pump.patient_id).update(status="deceased", status_on=NOW.date())
    with pytest.raises(Conflict, match="care has ended"):
        confirm(made, nurse)


def test_a_bridge_nobody_signed_stops_the_read_back(pump: Pump, nurse: User, prescriber: User) -> None:
    made = a_signed_proposal(pump, nurse, prescriber)
    _, differing = confirm(made, nurse, bridge_volume_ml=D(9), bridge_hours=D(9))
    assert set(differing) == {"bridge_volume_ml", "bridge_hours"}
    _, differing = confirm(made, nurse, mode="flex")
    assert set(differing) == {"mode"}


def test_no_dose_is_proposed_while_a_taper_has_steps_to_come(pump: Pump, nurse: User, prescriber: User) -> None:
    steps = [Down(NOW + 7 * DAY, D(160)), Down(NOW + 14 * DAY, D(120))]
    plan = weaning.draft(pump_id=pump.pk, steps=steps, reason="infection", by=nurse, now=NOW)
    weaning.sign(plan_id=plan.pk, by=prescriber, source="page", now=NOW)
    with pytest.raises(Conflict, match="A signed taper"):
        a_proposal(pump, nurse, "210")
    a_dose(pump, NOW + DAY, by=nurse, now=NOW + DAY, daily_dose_mcg=D(50))
    plan.refresh_from_db()
    assert (plan.state, "50 mcg/day" in plan.ended_reason) == ("ended", True)
    assert not Event.objects.standing().filter(pump=pump, occurred_at__gt=NOW + 2 * DAY).exists()


def test_a_step_that_is_no_step_any_more_ends_its_taper(pump: Pump, nurse: User, prescriber: User) -> None:
    steps = [Down(NOW + 7 * DAY, D(160)), Down(NOW + 14 * DAY, D(0))]
    plan = weaning.draft(pump_id=pump.pk, steps=steps, reason="infection", by=nurse, now=NOW)
    weaning.sign(plan_id=plan.pk, by=prescriber, source="page", now=NOW, seen=True)
    first = plan.events.earliest("occurred_at")
    ledger.void(pump_id=pump.pk, event_id=first.pk, reason="slip", user=nurse, source="page", now=NOW)
    plan.refresh_from_db()
    assert plan.state == "ended"
    assert not Event.objects.standing().filter(pump=pump, is_planned=True).exists()


def test_a_medicine_counts_until_the_day_it_ends(pump: Pump, nurse: User) -> None:
    medicine = Medicine.objects.create(patient=pump.patient, name="Valium", recorded_by=nurse)
    for ended_on, counts in ((NOW.date() + DAY, True), (NOW.date() - DAY, False)):
        Medicine.objects.filter(pk=medicine.pk).update(ended_on=ended_on)
        assert ("medicine_interacts" in codes(pump)) is counts


def test_a_pump_that_was_replaced_goes_on_from_the_dose_before(pump: Pump) -> None:
    new = devices.replace(
        pump=pump, on=NOW.date(), reason="end of service", by=a_user(), now=NOW, model=pump.model, serial_number="NEW1"
    )  # fmt: skip
    a_refill(new, NOW - timedelta(minutes=1), now=NOW)
    assert "no_screening" not in codes(new, "200")
    assert "restart" in codes(new, "200")


def test_a_program_is_compared_without_trailing_zeros(pump: Pump) -> None:
    steps = ({"start": "00:00", "rate_mcg_per_h": "5.0"}, {"start": "12:00", "rate_mcg_per_h": "10.50"})
    boluses = ({"at": "08:00", "dose_mcg": "30.0"},)
    lines = {line.name: line.new for line in drafted(pump, "216", mode="flex", steps=steps, boluses=boluses).lines}
    assert lines["Steps"] == "from 00:00 5 mcg/h; from 12:00 10.5 mcg/h"
    assert lines["Timed boluses"] == "at 08:00 30 mcg"


def test_a_change_has_its_sign(pump: Pump) -> None:
    said = [drafted(pump, dose).change_words for dose in ("221", "160.1", "200", "226.667")]
    assert said == ["+10.5", "-20", "0", "+13.3"]


def a_flex_pump(pump: Pump) -> None:
    a_dose(
        pump, NOW - DAY, mode="flex", daily_dose_mcg=D(212), patient_bolus_mcg=D(10), patient_boluses_per_day=2,
        steps=[{"start": "00:00", "rate_mcg_per_h": "8.0", "days": ["sat", "sun"]},
               {"start": "00:00", "rate_mcg_per_h": "8"}],
        boluses=[{"at": "07:30", "dose_mcg": "28"}],
    )  # fmt: skip


def test_a_mode_that_changes_is_told_with_what_it_loses(pump: Pump) -> None:
    a_flex_pump(pump)
    found = {each.code: each for each in drafted(pump, "225").findings}
    assert found["mode_changes"].message == (
        "The mode changes from flex to simple continuous, and what runs loses: steps, timed boluses, patient boluses."
    )
    assert found["mode_changes"].severity == "warn"
    steps = [{"start": "00:00", "rate_mcg_per_h": "8"}]
    found = {each.code: each for each in drafted(pump, "192", mode="flex", steps=steps).findings}
    assert "mode_changes" not in found
    assert "loses: timed boluses, patient boluses." in found["program_loses"].message
    assert not {"mode_changes", "program_loses"} & codes(pump, "0", mode="stopped")


def test_a_proposal_begins_with_what_runs_and_loses_nothing_unseen(pump: Pump, nurse: User) -> None:
    a_flex_pump(pump)
    client = Client()
    client.force_login(nurse)
    shown = client.get(f"/pumps/{pump.pk}/propose/")
    form, steps, boluses = shown.context["form"], shown.context["steps"], shown.context["boluses"]
    assert '<option value="flex" selected>' in shown.text
    assert (form["patient_bolus_mcg"].value(), form["patient_boluses_per_day"].value()) == ("10", 2)
    assert form["daily_dose_mcg"].value() is None
    assert sorted(tuple(row.initial.values()) for row in steps if row.initial) == [
        ("00:00", "8", ""), ("00:00", "8", "sat+sun"),
    ]  # fmt: skip
    assert [tuple(row.initial.values()) for row in boluses if row.initial] == [("07:30", "28", "")]
    sent = {bound.html_name: bound.value() for rows in (steps, boluses) for row in rows for bound in row}
    sent |= {bound.html_name: bound.value() for rows in (steps, boluses) for bound in rows.management_form}
    sent |= {"patient_bolus_mcg": "10", "patient_boluses_per_day": "2", "reason": "still stiff"}
    sent = {name: "" if value is None else value for name, value in sent.items()}
    kept = client.post(f"/pumps/{pump.pk}/propose/", {**sent, "mode": "flex", "daily_dose_mcg": "212"})
    assert "Check before proposing" in kept.text
    assert "The mode changes" not in kept.text
    changed = client.post(
        f"/pumps/{pump.pk}/propose/",
        {**sent, "mode": "simple_continuous", "daily_dose_mcg": "230"},
    )
    assert "The mode changes from flex to simple continuous, and what runs loses: steps, timed boluses." in changed.text
    stopped = client.post(f"/pumps/{pump.pk}/propose/", {**sent, "mode": "stopped", "daily_dose_mcg": ""})
    assert "Abrupt stop" in stopped.text
