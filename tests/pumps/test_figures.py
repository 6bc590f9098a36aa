"""The fleet's figures: stored by the nightly run, added up by model and clinic; one clinic looked at on demand."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from clinical.standing_out import Reason
from clinics import saying
from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import FleetFigure, Forecast, Pump, StandingOut
from pumps.services import figures, nightly, outliers, priors, standing_out
from pumps.services.figures import together
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def a_measured_pump(
    clinic: Clinic, *aspirated: str, lots: tuple[str, ...] = (), model: str = "synchromed-ii-40"
) -> Pump:
    """80 days (32 mL of 40 programmed) between refills; `lots` are those of the fills, the first included."""
    pump = a_pump(clinic, model=model, implanted_on=date(2022, 1, 7))
    names = [*lots, *[""] * (len(aspirated) + 1 - len(lots))]
    first = NOW - 80 * DAY * len(aspirated) - DAY
    a_refill(pump, first, lot_number=names[0])
    a_dose(pump, first)
    for number, volume in enumerate(aspirated, start=1):
        a_refill(pump, first + 80 * DAY * number, aspirated_ml=D(volume), lot_number=names[number])
    return pump


def test_the_nightly_run_writes_the_figures() -> None:
    clinic, other = a_clinic(), a_clinic()
    pumps = [a_measured_pump(clinic, "6", "6"), a_measured_pump(clinic, "9", "9")]
    a_running_pump(clinic)
    a_running_pump(other, model="prometra-ii-40")
    assert nightly.run_if_due(NOW) is not None
    ratios = [Forecast.objects.get(pump=pump).flow_ratio_mean for pump in pumps]
    found = FleetFigure.objects.get(clinic=clinic)
    assert (found.model.slug, found.pumps, found.measured, found.refills) == ("synchromed-ii-40", 3, 2, 4)
    assert found.ratio_mean == pytest.approx(sum(ratios) / 2)
    assert found.ratio_sd == pytest.approx(abs(ratios[0] - ratios[1]) / 2**0.5)
    assert (found.unsettled, found.computed_at) == (0, NOW)
    nobody = FleetFigure.objects.get(clinic=other)
    assert (nobody.pumps, nobody.measured, nobody.ratio_mean, nobody.ratio_sd) == (1, 0, None, None)


def test_figures_are_written_anew_and_count_unsettled_changes_and_pumps_in_use_only() -> None:
    clinic = a_clinic()
    a_measured_pump(clinic, "8", "8", "8", "1")
    out = a_measured_pump(clinic, "8")
    figures.renew(NOW)
    assert FleetFigure.objects.get(clinic=clinic).pumps == 2
    Forecast.objects.filter(pump=out).update(in_use=False)
    figures.renew(NOW + DAY)
    found = FleetFigure.objects.get(clinic=clinic)
    assert (found.pumps, found.unsettled, found.computed_at) == (1, 1, NOW + DAY)


def test_several_figures_add_up_to_those_of_all_their_pumps() -> None:
    """1.00, 1.02, 1.04 and 1.10, 1.12: mean 1.056, sample sd by hand 0.0517."""
    parts = [
        FleetFigure(pumps=4, measured=3, refills=9, ratio_mean=1.02, ratio_sd=0.02, unsettled=1),
        FleetFigure(pumps=2, measured=2, refills=3, ratio_mean=1.11, ratio_sd=0.0141421356, unsettled=0),
        FleetFigure(pumps=1, measured=0, refills=0, ratio_mean=None, ratio_sd=None, unsettled=0),
    ]
    found = together(parts)
    assert (found.pumps, found.measured, found.refills, found.unsettled) == (7, 5, 12, 1)
    assert found.ratio_mean == pytest.approx(1.056)
    assert found.ratio_sd == pytest.approx(0.05177, abs=1e-5)


def test_the_view_is_of_the_clinics_given_beside_catalogue_and_learned() -> None:
    clinic, other = a_clinic(), a_clinic()
    pump = a_measured_pump(clinic, "6")
    a_measured_pump(other, "9", model="prometra-ii-40")
    figures.renew(NOW)
    view = figures.fleet_view([clinic])
    [row] = view.models
    assert (row.model, row.figure.measured, view.computed_at) == (pump.model, 1, NOW)
    assert row.learned is not None
    assert row.learned.noise_ml == pytest.approx(0.7)
    assert [each.clinic for each in view.clinics] == [clinic]


def test_only_clinics_whose_clinical_data_somebody_sees() -> None:
    clinic, other = a_clinic(), a_clinic()
    a_clinic()
    user = a_user(Role.NURSE, clinic)
    user.memberships.create(clinic=other, role=Role.SCHEDULER)
    assert figures.clinics_of(user) == [clinic]
    assert figures.clinics_of(a_user(Role.SCHEDULER, clinic)) == []


def test_a_lot_that_flows_faster_stands_out() -> None:
    clinic = a_clinic()
    usual = ("A1",) * 6
    for aspirated in ("6", "6.1", "6.2"):
        a_measured_pump(clinic, *["8"] * 6, aspirated, lots=(*usual, "bad-7 ", ""))
    a_measured_pump(a_clinic(), "1", lots=("ELSEWHERE",))
    view = standing_out.clinic_view(clinic)
    assert [(lot.lot_number, lot.ratio.stands_out) for lot in view.lots] == [("BAD-7", True), ("A1", False)]
    assert (view.lots[0].ratio.intervals, view.lots[1].ratio.intervals) == (3, 18)
    a_measured_pump(clinic, "8", lots=("ALONE",))
    view = standing_out.clinic_view(clinic)
    assert (len(view.lots), view.other_lots) == (2, 1)


def test_the_pumps_that_stand_out_of_one_clinic() -> None:
    clinic = a_clinic()
    a_measured_pump(clinic, "8", "8")
    dry, jumped = a_measured_pump(clinic, "8", "8", "0"), a_measured_pump(clinic, "8", "8", "8", "1")
    a_measured_pump(a_clinic(), "8", "0")
    view = standing_out.clinic_view(clinic)
    assert [each.pump for each in view.standing] == [dry, jumped]
    assert Reason.UNSETTLED in view.standing[1].standing.reasons
    assert (view.of_pumps, view.all_pumps, view.is_cut) == (3, 3, False)


def test_the_nightly_run_writes_which_pumps_stand_out_the_gravest_first() -> None:
    clinic, other = a_clinic(), a_clinic()
    a_measured_pump(clinic, "8", "8")
    jumped, dry = a_measured_pump(clinic, "8", "8", "8", "1"), a_measured_pump(clinic, "8", "8", "0")
    elsewhere, gone = a_measured_pump(other, "8", "0"), a_measured_pump(clinic, "8", "0")
    Pump.objects.filter(pk=gone.pk).update(status=Pump.Status.EXPLANTED, explanted_on=NOW.date())
    StandingOut.objects.create(pump=gone, clinic=clinic, reasons=["ran_dry"], gravity=0, distance=9)
    assert nightly.run_if_due(NOW) is not None
    assert [row.pump for row in outliers.gravest([clinic.pk], 5)] == [dry, jumped]
    assert outliers.gravest([clinic.pk], 5)[0].reasons[0] == Reason.RAN_DRY
    assert [row.pump for row in outliers.gravest([clinic.pk, other.pk], 5)][-1] == jumped
    assert not StandingOut.objects.filter(pump=gone).exists()
    Pump.objects.filter(pk=elsewhere.pk).update(status=Pump.Status.EXPLANTED, explanted_on=NOW.date())
    assert outliers.gravest([other.pk], 5) == []


def test_a_pumps_own_accuracy_counts() -> None:
    clinic = a_clinic()
    pump = a_measured_pump(clinic, "6.4", "6.4", "6.4")
    assert standing_out.clinic_view(clinic).standing == []
    Pump.objects.filter(pk=pump.pk).update(flow_accuracy_pct=D(3))
    [found] = standing_out.clinic_view(clinic).standing
    assert found.standing.reasons == (Reason.OUTSIDE_ACCURACY,)


def test_a_large_clinic_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_out, "MOST_PUMPS", 2)
    clinic = a_clinic()
    for _ in range(3):
        a_running_pump(clinic)
    view = standing_out.clinic_view(clinic)
    assert (view.of_pumps, view.all_pumps, view.is_cut) == (2, 3, True)


def test_a_clinic_without_pumps_has_nothing_standing_out() -> None:
    view = standing_out.clinic_view(a_clinic())
    assert (list(view.lots), list(view.standing), view.of_pumps) == ([], [], 0)


def test_where_the_priors_are_from_is_kept_in_english_and_said_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_measured_pump(a_clinic(), "6", "6")
    assert saying.is_known(priors.follow_catalogue("catalogue").reason)
    monkeypatch.setattr("clinical.learning.is_news", lambda new, old: True)
    reason = priors.learn().reason
    assert reason == "learned from the refills of 1 pumps"
    assert saying.is_known(reason)
