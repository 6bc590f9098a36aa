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
PRESCRIBER, PHARMACIST, ADMINISTRATOR, AUDITOR = "prescriber", "pharmacist", "administrator", "auditor"

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
    Shown("call-lists", "Call lists of all clinics", SCHEDULER, "/call-list/"),
    Shown("hand-over", "Hand over the next refill", SCHEDULER, "/pumps/{pump}/owner/"),
    Shown("search", "Search", SCHEDULER, "/search/?q=a"),
    Shown("today", "A nurse's day", NURSE, "/today/"),
    Shown("guided", "The guided refill visit", NURSE, "/pumps/{pump}/guided/"),
    Shown("refill", "Log a refill", NURSE, "/pumps/{pump}/refill/"),
    Shown("dose", "Log a dose change", NURSE, "/pumps/{pump}/dose/"),
    Shown("log", "What else can be logged", NURSE, "/pumps/{pump}/log/"),
    Shown("report", "Report symptoms or an alarm", NURSE, "/pumps/{pump}/report/"),
    *(
        Shown(f"log-{kind.replace('_', '-')}", f"Log: {title}", NURSE, f"/pumps/{{pump}}/log/{kind}/")
        for kind, title in (
            ("interrogation", "interrogation"),
            ("stop", "pump stopped"),
            ("restart", "pump restarted"),
            ("stall", "motor stall"),
            ("stall_recovery", "recovery from a motor stall"),
            ("mri", "MRI scan"),
            ("bolus", "single bolus"),
            ("priming_bolus", "priming bolus"),
            ("reservoir_access", "reservoir access"),
            ("catheter_access", "catheter access"),
            ("catheter_revision", "catheter revision"),
            ("alarm_reported", "alarm reported"),
        )
    ),
    Shown("pump", "A pump", NURSE, "/pumps/{pump}/"),
    Shown("why", "Why this date", NURSE, "/pumps/{pump}/why/refill_by/"),
    Shown("what-if", "What if", NURSE, "/pumps/{pump}/what-if/"),
    Shown("known", "What was known at a moment", NURSE, "/pumps/{pump}/known/"),
    Shown("reservoir", "The reservoir's picture", NURSE, "/pumps/{pump}/reservoir/"),
    Shown("change-pump", "Correct a pump", NURSE, "/pumps/{pump}/change/"),
    Shown("replace-pump", "A pump replaced", NURSE, "/pumps/{pump}/replace/"),
    Shown("explant-pump", "A pump explanted", NURSE, "/pumps/{pump}/explant/"),
    Shown("raise-low-level", "Raise the low level", NURSE, "/pumps/{pump}/low-level/"),
    Shown("offline", "Without a connection", NURSE, "/offline/"),
    Shown("patients", "Patients", NURSE, "/patients/"),
    Shown("patient", "A patient", NURSE, "/patients/{patient}/"),
    Shown("enter-patient", "Enter a patient", NURSE, "/patients/new/"),
    Shown("change-patient", "Change a patient", NURSE, "/patients/{patient}/change/"),
    Shown("patient-status", "Care ends", NURSE, "/patients/{patient}/status/"),
    Shown("add-contact", "Add a caregiver", NURSE, "/patients/{patient}/contacts/new/"),
    Shown("enter-pump", "Enter a pump", NURSE, "/patients/{patient}/pumps/new/"),
    Shown("emergency-card", "Emergency card", NURSE, "/patients/{patient}/emergency-card/"),
    Shown("alerts", "Alerts", NURSE, "/alerts/"),
    Shown("alert", "An alert", NURSE, "/alerts/{alert}/"),
    Shown("messages", "Messages", NURSE, "/messages/"),
    Shown("message", "A message", NURSE, "/messages/{message}/"),
    Shown("my-on-call", "Who is on call", NURSE, "/on-call/"),
    Shown("calculators", "Calculators", NURSE, "/calculators/"),
    Shown("prescribing", "A prescriber's home", PRESCRIBER, "/prescribing/"),
    Shown("to-sign", "To sign", PRESCRIBER, "/to-sign/"),
    Shown("proposal", "A proposed dose", PRESCRIBER, "/proposals/{proposal}/"),
    Shown("propose", "Propose a dose", PRESCRIBER, "/pumps/{pump}/propose/"),
    Shown("course", "A course of therapy", PRESCRIBER, "/patients/{course}/course/"),
    Shown("assess", "Measure", PRESCRIBER, "/patients/{course}/measure/"),
    Shown("adverse-event", "An adverse event", PRESCRIBER, "/patients/{course}/adverse-event/"),
    Shown("add-medicine", "Add a medicine", PRESCRIBER, "/patients/{course}/medicines/new/"),
    Shown("phase", "Another phase", PRESCRIBER, "/patients/{course}/phase/"),
    Shown("rescue-plan", "Oral rescue plan", PRESCRIBER, "/patients/{course}/rescue-plan/"),
    Shown("screening", "Begin a screening", PRESCRIBER, "/patients/{course}/screening/"),
    Shown("program-templates", "Program templates", PRESCRIBER, "/clinics/{clinic}/program-templates/"),
    Shown("wean", "Plan a taper", PRESCRIBER, "/pumps/{pump}/wean/"),
    Shown("fleet", "Fleet", PRESCRIBER, "/fleet/"),
    Shown("label-sets", "Label sets", PRESCRIBER, "/label-sets/"),
    Shown("preparing", "A pharmacist's home", PHARMACIST, "/preparing/"),
    Shown("administration", "An administrator's home", ADMINISTRATOR, "/administration/"),
    Shown("clinics", "Clinics", ADMINISTRATOR, "/clinics/"),
    Shown("clinic", "A clinic", ADMINISTRATOR, "/clinics/{clinic}/"),
    Shown("settings", "Settings of a clinic", ADMINISTRATOR, "/clinics/{clinic}/settings/"),
    Shown("people", "People of a clinic", ADMINISTRATOR, "/clinics/{clinic}/people/"),
    Shown("tiers", "Who is told, and when", ADMINISTRATOR, "/clinics/{clinic}/tiers/"),
    Shown("on-call", "On call", ADMINISTRATOR, "/clinics/{clinic}/on-call/"),
    Shown("protocol", "A clinic's protocol", ADMINISTRATOR, "/clinics/{clinic}/protocol/"),
    Shown("visit-rules", "Hours and visits of a clinic", ADMINISTRATOR, "/clinics/{clinic}/visits/"),
    Shown("open-clinic", "Open a clinic", ADMINISTRATOR, "/clinics/new/"),
    Shown("closed-days", "Closed days", ADMINISTRATOR, "/clinics/{clinic}/closed-days/"),
    Shown("products", "Drug products", ADMINISTRATOR, "/clinics/{clinic}/products/"),
    Shown("rota", "On-call rota", ADMINISTRATOR, "/clinics/{clinic}/on-call/rota/"),
    Shown("stand-in", "A stand-in", ADMINISTRATOR, "/clinics/{clinic}/on-call/stand-ins/"),
    Shown("webhooks", "Webhooks", ADMINISTRATOR, "/clinics/{clinic}/webhooks/"),
    Shown("history", "A clinic's history", ADMINISTRATOR, "/clinics/{clinic}/history/"),
    Shown("transfer", "Offer a transfer", ADMINISTRATOR, "/patients/{patient}/transfer/"),
    Shown("go-live", "Go-live", ADMINISTRATOR, "/clinics/{clinic}/go-live/"),
    Shown("guide", "First steps of a clinic", ADMINISTRATOR, "/guide/{clinic}/"),
    Shown("engine", "The engine of reminders", ADMINISTRATOR, "/engine/"),
    Shown("imports", "Import", ADMINISTRATOR, "/imports/"),
    Shown("jobs", "Long work", ADMINISTRATOR, "/jobs/"),
    Shown("fleet-report", "Report of a clinic", ADMINISTRATOR, "/clinics/{clinic}/fleet-report/"),
    Shown("catalogue", "Pump models", ADMINISTRATOR, "/pump-models/"),
    Shown("account", "Your account", ADMINISTRATOR, "/account/"),
    Shown("digest", "Daily digest", ADMINISTRATOR, "/account/digest/"),
    Shown("keys", "API keys", ADMINISTRATOR, "/account/keys/"),
    Shown("password", "Change the password", ADMINISTRATOR, "/account/password/change/"),
    Shown("second-factor", "Second factor", ADMINISTRATOR, "/account/second-factor/"),
    Shown("authenticator", "Turn on an authenticator app", ADMINISTRATOR, "/account/second-factor/totp/activate/"),
    Shown("forgotten", "Password forgotten", NOBODY, "/account/password/reset/"),
    Shown("link", "A patient's link", NOBODY, "/v/{link}/"),
    Shown("link-unwell", "A patient's link: unwell", NOBODY, "/v/{link}/unwell/"),
    Shown("link-alarm", "A patient's link: an alarm", NOBODY, "/v/{link}/sound/"),
    Shown("link-times", "A patient's link: times", NOBODY, "/v/{link}/times/"),
    Shown("audit", "Who did and saw what", AUDITOR, "/audit/"),
    Shown("help", "Help", NURSE, "/help/"),
    Shown("help-topic", "A help topic", NURSE, "/help/refill/"),
    Shown("keyboard", "Keyboard", NURSE, "/help/keyboard/"),
)
