"""Clinics, the catalogue, alerts and messages."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alerts.models import Notification
from alerts.services import delivery
from clinics.models import Clinic
from clinics.roles import Role
from clinics.services.members import administers_every_clinic
from pumps.models import Forecast, PumpModel
from pumps.services import fleet
from pumps.services import settings as settings_service
from pumps.services.catalogue import sync
from tests.builders import a_clinic, a_patient, a_pump, a_running_pump, a_user
from tests.pages.conftest import logged_in

SETTINGS = {
    "refill_margin_days": "10",
    "max_refill_interval_days": "150",
    "patient_facing_name": "Harbor",
    "opening_days": ["0", "1", "2", "3"],
    "language": "en",
    "label_set": "us",
    "name": "Harbor",
    "timezone": "America/New_York",
}


def test_settings_move_the_dates_at_once(clinic: Clinic, administrator: Client) -> None:
    now = timezone.now()
    pumps = [a_running_pump(clinic, now=now), a_running_pump(clinic, now=now)]
    a_pump(clinic, now=now)
    before = Forecast.objects.get(pump=pumps[0]).refill_by
    path = reverse("clinic_settings", args=[clinic.pk])
    assert "2 pumps move" in administrator.post(path, SETTINGS).text
    clinic.refresh_from_db()
    assert clinic.refill_margin_days == 7
    page = administrator.post(path, {**SETTINGS, "step": "save"}, follow=True)
    assert "2 pumps move" in page.text
    after = Forecast.objects.get(pump=pumps[0]).refill_by
    assert before is not None
    assert after is not None
    assert (before - after).days == 3
    clinic.refresh_from_db()
    assert (clinic.refill_margin_days, clinic.max_refill_interval_days) == (10, 150)
    assert clinic.patient_facing_name == "Harbor"


def test_a_large_clinic_is_looked_at_in_part_and_that_is_said(
    clinic: Clinic, administrator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    for days in (1, 30, 60):
        a_running_pump(clinic, filled_days_ago=days, now=now)
    first = Forecast.objects.on_worklist()[0]
    product = clinic.products.create(name="Gablofen", key="gablofen", stability_days=60)
    ladder = reverse("tiers", args=[clinic.pk])
    shown = administrator.get(ladder).context
    forms_shown = [*(row for _word, row in shown["rows"]), shown["risk"]]
    bounds = [bound for form in forms_shown for bound in form if bound.value() not in (None, False)]
    tiers = {bound.html_name: bound.value() for bound in bounds}
    asked: list[tuple[str, dict[str, Any]]] = [
        (reverse("clinic_settings", args=[clinic.pk]), SETTINGS),
        (reverse("products", args=[clinic.pk]), {"name": "Lioresal", "stability_days": "30", "source": "label"}),
        (reverse("product", args=[clinic.pk, product.pk]), {"step": "remove"}),
        (ladder, tiers),
    ]
    whole = [administrator.post(path, values) for path, values in asked]
    assert [page.context["effect"].left_out for page in whole] == [0, 0, 0, 0]
    assert "too large" not in whole[0].text
    monkeypatch.setattr("pumps.pages.clinics.PREVIEWED", 1)
    for path, values in asked:
        page = administrator.post(path, values)
        effect = page.context["effect"]
        assert (effect.pumps, effect.left_out) == (1, 2), path
        assert "the 1 pump that is due first. 2 others were not looked at" in page.text, path
    assert settings_service._first_due(clinic, 1) == ([first.pk], 2)


@pytest.mark.parametrize("margin", ["2", "15", "x", ""])
def test_a_margin_outside_its_range_is_refused(clinic: Clinic, administrator: Client, margin: str) -> None:
    values = {**SETTINGS, "refill_margin_days": margin}
    page = administrator.post(reverse("clinic_settings", args=[clinic.pk]), values)
    assert "refill_margin_days" in page.context["form"].errors
    clinic.refresh_from_db()
    assert clinic.refill_margin_days == 7


def test_only_administrators_change_settings(clinic: Clinic, nurse: Client, stranger: Client) -> None:
    assert reverse("clinic_settings", args=[clinic.pk]) not in nurse.get(reverse("clinic", args=[clinic.pk])).text
    for name in ("clinic_settings", "clinic_go_live"):
        path = reverse(name, args=[clinic.pk])
        assert nurse.post(path, SETTINGS).status_code == 403
        assert stranger.post(path, SETTINGS).status_code == 404
    clinic.refresh_from_db()
    assert clinic.refill_margin_days == 7
    assert clinic.patient_messages_since is None


def test_go_live_says_whom_it_reaches_and_happens_on_the_button(clinic: Clinic, administrator: Client) -> None:
    now = timezone.now()
    for name, consents in (("Ann", True), ("Bob", False)):
        patient = a_patient(clinic, given_name=name, email=f"{name}@example.org", email_reminders=consents)
        a_running_pump(clinic, filled_days_ago=85, now=now, patient=patient)
    fleet.tick(now)
    path = reverse("clinic_go_live", args=[clinic.pk])
    page = administrator.get(path)
    assert page.context["count"] == 1
    assert page.context["planned"][0].at <= now + timedelta(days=1)
    assert "Ann" in page.text
    assert "Bob" not in page.text
    clinic.refresh_from_db()
    assert clinic.patient_messages_since is None
    assert "on from now" in administrator.post(path, follow=True).text
    clinic.refresh_from_db()
    assert clinic.patient_messages_since is not None


def test_the_list_of_clinics_is_ones_own(clinic: Clinic, nurse: Client) -> None:
    other = a_clinic("Elsewhere")
    text = nurse.get(reverse("clinic_list")).text
    assert clinic.name in text
    assert other.name not in text


def test_the_catalogue_marks_what_is_not_confirmed(nurse: Client) -> None:
    text = nurse.get(reverse("catalogue")).text
    assert "SynchroMed III 8667-40" in text
    assert "verify" in text


def test_the_catalogue_is_edited_by_administrators_of_all_clinics(clinic: Clinic, administrator: Client) -> None:
    path = reverse("catalogue_edit", args=["synchromed-ii-40"])
    assert administrator.get(path).status_code == 200
    a_clinic("Elsewhere")
    fresh = logged_in(a_user(Role.ADMINISTRATOR, clinic))
    assert fresh.get(path).status_code == 403
    assert fresh.post(path, {}).status_code == 403
    assert logged_in(a_user(Role.ADMINISTRATOR)).get(path).status_code == 200


def test_nobody_administers_every_clinic_where_there_is_none(db: None) -> None:
    assert not administers_every_clinic(a_user())


def test_an_edited_model_moves_its_pumps(clinic: Clinic, administrator: Client) -> None:
    pump = a_running_pump(clinic, now=timezone.now())
    path = reverse("catalogue_edit", args=[pump.model.slug])
    form = administrator.get(path).context["form"]
    values = {name: value for name, value in form.initial.items() if value not in (None, False)}
    page = administrator.post(path, {**values, "flow_ratio_mean": "1,10"}, follow=True)
    assert "1 forecast changed" in page.text
    assert Forecast.objects.get(pump=pump).flow_ratio_mean == pytest.approx(1.1)
    assert PumpModel.objects.get(slug=pump.model.slug).edited_fields == ["flow_ratio_mean"]


def test_a_reservoir_of_nothing_is_refused(clinic: Clinic, administrator: Client) -> None:
    path = reverse("catalogue_edit", args=["synchromed-ii-40"])
    page = administrator.post(path, {"reservoir_ml": "0", "flow_ratio_sd": "0"})
    assert {"reservoir_ml", "flow_ratio_sd"} <= set(page.context["form"].errors)


def alarmed(clinic: Clinic, count: int) -> None:
    now = timezone.now()
    for _ in range(count):
        a_pump(clinic, now=now)
    fleet.tick(now + timedelta(hours=2))  # after the time in which a new pump may be completed


def test_open_alerts_and_messages_of_ones_clinics(clinic: Clinic, nurse: Client, stranger: Client) -> None:
    alarmed(clinic, 1)
    assert "Forecast unknown" in nurse.get(reverse("alerts")).text
    assert "Worklist on screen" in nurse.get(reverse("messages")).text
    assert "Nothing is open" in stranger.get(reverse("alerts")).text
    assert "No messages" in stranger.get(reverse("messages")).text


@pytest.mark.parametrize("name", ["alerts", "messages"])
def test_lists_are_paged_with_a_constant_number_of_queries(clinic: Clinic, nurse: Client, name: str) -> None:
    nurse.get(reverse(name))  # a log-in notes that it is used once in a while
    counts = []
    for more in (5, 50):
        alarmed(clinic, more)
        with CaptureQueriesContext(connection) as queries:
            first = nurse.get(reverse(name))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 9
    second = nurse.get(reverse(name) + first.context["page"].next)
    key = "alert" if name == "alerts" else "row"
    ids = [line[key].pk for page in (first, second) for line in page.context["lines"]]
    assert len(ids) == len(set(ids)) > 50


def test_a_message_in_a_file_is_read_on_its_page(clinic: Clinic, nurse: Client, settings: Any, tmp_path: Path) -> None:
    settings.MAIL_DIR, settings.MAIL_TO_FILES = tmp_path, True
    settings.EMAIL_BACKEND = "alerts.mail_files.EmailBackend"
    alarmed(clinic, 1)
    row = Notification.objects.get(channel="email")
    path = reverse("message", args=[row.pk])
    assert "shown here once it has been sent" in nurse.get(path).text
    delivery.deliver(row.pk, now=timezone.now())
    text = nurse.get(path).text
    assert "Somebody has to look at this pump now" in text
    assert "Sent" in text


def test_a_catheters_figures_are_the_catalogues_and_marked_until_confirmed(administrator: Client) -> None:
    text = administrator.get(reverse("catalogue")).text
    assert '0.0022 mL/cm <span class="verify">verify</span>' in text
    assert "0.0026 mL/cm, 110 cm untrimmed</td>" in text
    path = reverse("catalogue_edit", args=["synchromed-ii-40"])
    initial = administrator.get(path).context["form"].initial
    values = {name: value for name, value in initial.items() if value not in (None, False)}
    refused = administrator.post(path, {**values, "catheter_ml_per_cm": "0"})
    assert refused.context["form"].errors["catheter_ml_per_cm"] == ["Must be above 0."]
    administrator.post(path, {**values, "catheter_ml_per_cm": "0.0023", "catheter_confirmed": "on"})
    sync()
    model = PumpModel.objects.get(slug="synchromed-ii-40")
    assert (str(model.catheter_ml_per_cm), model.catheter_confirmed) == ("0.0023", True)
