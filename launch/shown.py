"""The pages of which docs/screens has pictures, each in the hands of the role that works on it."""

from __future__ import annotations

from typing import NamedTuple


class Shown(NamedTuple):
    """`path` may name what `FOUND` finds, as `/pumps/{pump}/`. `opened`: what is clicked before it is taken."""

    name: str
    title: str
    role: str
    path: str
    opened: tuple[str, ...] = ()


# What stands for an id in a path: the page it is found on, and the beginning of the address of a link there.
FOUND: dict[str, tuple[str, str]] = {
    "pump": ("/?urgency=urgent", "/pumps/"),
    "patient": ("/pumps/{pump}/", "/patients/"),
    "clinic": ("/clinics/", "/clinics/"),
    "alert": ("/alerts/", "/alerts/"),
    "message": ("/messages/", "/messages/"),
    "proposal": ("/to-sign/", "/proposals/"),
    "course": ("/proposals/{proposal}/", "/patients/"),
}
FINDER = "prescriber"

NOBODY, NURSE, SCHEDULER = "", "nurse", "scheduler"
PRESCRIBER, ADMINISTRATOR, AUDITOR = "prescriber", "administrator", "auditor"

PAGES = (
    Shown("log-in", "Log-in", NOBODY, "/login/"),
    Shown("worklist", "Worklist", SCHEDULER, "/"),
    Shown("worklist-now", "To do now", SCHEDULER, "/worklist/now/"),
    Shown("calendar-week", "Calendar: a week", SCHEDULER, "/calendar/week/"),
    Shown("calendar-month", "Calendar: a month", SCHEDULER, "/calendar/month/"),
    Shown("calendar-load", "Clinic load by day", SCHEDULER, "/calendar/load/"),
    Shown("visits", "Visits of a day", SCHEDULER, "/visits/"),
    Shown("book", "Book a visit", SCHEDULER, "/pumps/{pump}/visit/"),
    Shown("call-list", "Call list", SCHEDULER, "/clinics/{clinic}/call-list/"),
    Shown("search", "Search", SCHEDULER, "/search/?q=a"),
    Shown("today", "A nurse's day", NURSE, "/today/"),
    Shown("guided", "The guided refill visit", NURSE, "/pumps/{pump}/guided/"),
    Shown("refill", "Log a refill", NURSE, "/pumps/{pump}/refill/"),
    Shown("dose", "Log a dose change", NURSE, "/pumps/{pump}/dose/"),
    Shown("log", "What else can be logged", NURSE, "/pumps/{pump}/log/"),
    Shown("report", "Report symptoms or an alarm", NURSE, "/pumps/{pump}/report/"),
    Shown("pump", "A pump", NURSE, "/pumps/{pump}/"),
    Shown("why", "Why this date", NURSE, "/pumps/{pump}/why/refill_by/"),
    Shown("what-if", "What if", NURSE, "/pumps/{pump}/what-if/"),
    Shown("known", "What was known at a moment", NURSE, "/pumps/{pump}/known/"),
    Shown("patients", "Patients", NURSE, "/patients/"),
    Shown("patient", "A patient", NURSE, "/patients/{patient}/"),
    Shown("emergency-card", "Emergency card", NURSE, "/patients/{patient}/emergency-card/"),
    Shown("alerts", "Alerts", NURSE, "/alerts/"),
    Shown("alert", "An alert", NURSE, "/alerts/{alert}/"),
    Shown("messages", "Messages", NURSE, "/messages/"),
    Shown("calculators", "Calculators", NURSE, "/calculators/"),
    Shown("prescribing", "A prescriber's home", PRESCRIBER, "/prescribing/"),
    Shown("to-sign", "To sign", PRESCRIBER, "/to-sign/"),
    Shown("proposal", "A proposed dose", PRESCRIBER, "/proposals/{proposal}/"),
    Shown("propose", "Propose a dose", PRESCRIBER, "/pumps/{pump}/propose/"),
    Shown("course", "A course of therapy", PRESCRIBER, "/patients/{course}/course/"),
    Shown("assess", "Measure", PRESCRIBER, "/patients/{course}/measure/"),
    Shown("wean", "Plan a taper", PRESCRIBER, "/pumps/{pump}/wean/"),
    Shown("fleet", "Fleet", PRESCRIBER, "/fleet/"),
    Shown("label-sets", "Label sets", PRESCRIBER, "/label-sets/"),
    Shown("administration", "An administrator's home", ADMINISTRATOR, "/administration/"),
    Shown("clinics", "Clinics", ADMINISTRATOR, "/clinics/"),
    Shown("clinic", "A clinic", ADMINISTRATOR, "/clinics/{clinic}/"),
    Shown("settings", "Settings of a clinic", ADMINISTRATOR, "/clinics/{clinic}/settings/"),
    Shown("people", "People of a clinic", ADMINISTRATOR, "/clinics/{clinic}/people/"),
    Shown("tiers", "Who is told, and when", ADMINISTRATOR, "/clinics/{clinic}/tiers/"),
    Shown("on-call", "On call", ADMINISTRATOR, "/clinics/{clinic}/on-call/"),
    Shown("protocol", "A clinic's protocol", ADMINISTRATOR, "/clinics/{clinic}/protocol/"),
    Shown("visit-rules", "Hours and visits of a clinic", ADMINISTRATOR, "/clinics/{clinic}/visits/"),
    Shown("go-live", "Go-live", ADMINISTRATOR, "/clinics/{clinic}/go-live/"),
    Shown("guide", "First steps of a clinic", ADMINISTRATOR, "/guide/{clinic}/"),
    Shown("engine", "The engine of reminders", ADMINISTRATOR, "/engine/"),
    Shown("imports", "Import", ADMINISTRATOR, "/imports/"),
    Shown("jobs", "Long work", ADMINISTRATOR, "/jobs/"),
    Shown("fleet-report", "Report of a clinic", ADMINISTRATOR, "/clinics/{clinic}/fleet-report/"),
    Shown("catalogue", "Pump models", ADMINISTRATOR, "/pump-models/"),
    Shown("account", "Your account", ADMINISTRATOR, "/account/"),
    Shown("audit", "Who did and saw what", AUDITOR, "/audit/"),
    Shown("help", "Help", NURSE, "/help/"),
    Shown("help-topic", "A help topic", NURSE, "/help/refill/"),
    Shown("keyboard", "Keyboard", NURSE, "/help/keyboard/"),
)
