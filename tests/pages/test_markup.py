"""Pages are whole: tags close in order, ids are unique, labels and descriptions point at something."""

from html.parser import HTMLParser

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import Notification
from clinics.models import Clinic
from clinics.roles import Role
from frame.topics import TOPICS
from pumps.pages.why import WHATS
from pumps.pictures.reservoir import Span
from pumps.services import fleet
from pumps.services.kinds import FORMS
from tests.builders import a_running_pump, a_user

PATIENT_PAGES = (
    "patient",
    "change_patient",
    "change_status",
    "add_contact",
    "enter_pump",
    "offer_transfer",
    "emergency_card",
)
CLINIC_PAGES = (
    "people",
    "clinic_settings",
    "products",
    "tiers",
    "closed_days",
    "clinic_go_live",
    "clinic_history",
    "protocol",
    "program_templates",
    "fleet_report",
)
COURSE_PAGES = ("course", "assess", "report_adverse", "add_medicine", "rescue_plan", "begin_screening")
ACCOUNT_PAGES = (
    "patient_list",
    "enter_patient",
    "imports",
    "jobs",
    "account",
    "api_keys",
    "mfa_index",
    "account_change_password",
    "search",
    "administration",
    "preparing",
    "audit",
)
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Markup(HTMLParser):
    """Raises AssertionError at the first tag that does not fit."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert len(values) == len(attrs), (tag, attrs)
        self._note(values)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(dict(attrs))

    def _note(self, values: dict[str, str | None]) -> None:
        self.ids += [values["id"] or ""] if "id" in values else []
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self.targets |= set((values.get(name) or "").split())

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


def check(text: str) -> None:
    markup = Markup(text)
    assert len(markup.ids) == len(set(markup.ids))
    assert markup.targets <= set(markup.ids), markup.targets - set(markup.ids)


def test_every_page_is_whole(clinic: Clinic, administrator: Client) -> None:
    now = timezone.now()
    pump = a_running_pump(clinic, filled_days_ago=95, now=now)
    fleet.tick(now)
    event = pump.events.latest("pk")
    paths = [
        *(reverse(name) for name in ("worklist", "alerts", "messages", "clinic_list", "catalogue")),
        reverse("fleet"),
        *(reverse(name) for name in ("worklist_now", "visits", "calendar_week", "calendar_month", "calendar_load")),
        f"{reverse('calendar_week')}?for={pump.pk}",
        f"{reverse('calendar_book')}?for={pump.pk}&at={now:%Y-%m-%d}T15:00:00Z",
        f"{reverse('calendar_book')}?clinic={clinic.pk}&at={now:%Y-%m-%d}T15:00:00Z",
        *(reverse(name, args=[pump.pk]) for name in ("pump", "log_refill", "log_dose_change", "log_menu")),
        *(reverse(name, args=[pump.pk]) for name in ("change_pump", "explant_pump", "replace_pump", "hand_over")),
        reverse("raise_low_level", args=[pump.pk]),
        *(reverse("log_event", args=[pump.pk, kind]) for kind in FORMS),
        reverse("what_if", args=[pump.pk]),
        reverse("today"),
        reverse("guided_visit", args=[pump.pk]),
        reverse("guided_end", args=[pump.pk, pump.events.filter(kind="refill").latest("pk").pk]),
        reverse("calculators"),
        *(reverse(name, args=[pump.patient_id]) for name in PATIENT_PAGES),
        *(reverse(name, args=[pump.patient_id]) for name in COURSE_PAGES),
        *(reverse(name, args=[clinic.pk]) for name in CLINIC_PAGES),
        *(reverse(name) for name in ACCOUNT_PAGES),
        reverse("void_event", args=[pump.pk, event.pk]),
        reverse("message", args=[Notification.objects.latest("pk").pk]),
        reverse("clinic", args=[clinic.pk]),
        reverse("catalogue_edit", args=[pump.model.slug]),
        "/nothing/",
        *(reverse(name) for name in ("help",)),
        *(reverse("help_topic", args=[slug]) for slug in TOPICS),
        reverse("guide", args=[clinic.pk]),
        *(reverse(name) for name in ("engine",)),
        *(reverse("why", args=[pump.pk, what]) for what in WHATS),
        *(f"{reverse('reservoir', args=[pump.pk])}?span={span.value}" for span in Span),
    ]
    for path in paths:
        check(administrator.get(path).text)
    for path in paths[6:]:
        check(administrator.post(path, {}, follow=True).text)
    check(Client().get(reverse("account_login")).text)
    check(Client().post(reverse("account_login"), {}).text)


def test_an_error_of_a_row_is_tied_to_its_field(clinic: Clinic, administrator: Client) -> None:
    pump = a_running_pump(clinic)
    rows = {f"{name}-{part}_FORMS": "2" for name in ("steps", "boluses") for part in ("TOTAL", "INITIAL")}
    wrong = {"steps-0-clock": "06:00", "steps-0-number": "many", "steps-0-days": "x", "boluses-1-number": "-"}
    nurse = Client()
    nurse.force_login(a_user(Role.NURSE, clinic))
    prescriber = Client()
    prescriber.force_login(a_user(Role.PRESCRIBER, clinic))
    for client, path in (
        (nurse, reverse("log_dose_change", args=[pump.pk])),
        (nurse, reverse("propose", args=[pump.pk])),
        (nurse, reverse("guided_visit", args=[pump.pk])),
        (prescriber, reverse("program_templates", args=[clinic.pk])),
    ):
        page = client.post(path, {**rows, **wrong, "mode": "flex", "dose-mode": "flex", "program": "changed"}).text
        for field in ("id_steps-0-number", "id_steps-0-days", "id_boluses-1-number"):
            assert f'id="{field}_error"' in page, (path, field)
        check(page)
    wean = {"steps-TOTAL_FORMS": "12", "steps-INITIAL_FORMS": "0", "steps-0-at": "soon", "steps-0-daily_dose_mcg": "x"}
    page = nurse.post(reverse("wean", args=[pump.pk]), wean).text
    assert 'id="id_steps-0-at_error"' in page
    check(page)


def test_an_error_of_a_grade_is_tied_to_its_field(clinic: Clinic) -> None:
    patient = a_running_pump(clinic).patient
    nurse = Client()
    nurse.force_login(a_user(Role.NURSE, clinic))
    page = nurse.get(reverse("assess", args=[patient.pk]))
    names = [bound.html_name for _, fields in page.context["form"].grade_rows() for bound in fields]
    page = nurse.post(reverse("assess", args=[patient.pk]), {names[0]: "9"})
    assert f'id="id_{names[0]}_error"' in page.text
    check(page.text)
