"""What a page or a call is called where an auditor reads who saw what."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, Promise | str] = {
    "log_in": _("Logged in"),
    "log_out": _("Logged out"),
    "log_in_failed": _("Log-in failed"),
    "patient": _("The patient's page"),
    "pump": _("The pump's page"),
    "course": _("The course of therapy"),
    "course_pdf": _("The course of therapy, on paper"),
    "card": _("The emergency card"),
    "emergency_card": _("The emergency card"),
    "print_card": _("The emergency card, on paper"),
    "job_file": _("A fleet report, as a file"),
    "alert": _("An alert"),
    "message": _("A message"),
    "guided_visit": _("A refill visit"),
    "guided_end": _("A refill visit"),
    "visit_report": _("The visit report"),
    "reservoir": _("The reservoir's picture"),
    "reservoir_pdf": _("The reservoir's picture, on paper"),
    "log_refill": _("Entering a refill"),
    "log_dose_change": _("Entering a dose"),
    "propose": _("Proposing a dose"),
    "proposal": _("A proposed dose"),
    "sign_dose": _("A dose to be signed"),
    "weaning_plan": _("A taper"),
    "screening": _("A screening"),
    "visit": _("Booking a visit"),
    "change_patient": _("Changing the patient"),
    "known": _("What a past forecast rested on"),
    "what_if": _("The planner"),
    "export_clinic": _("Export of the clinic"),
    "download_call_list": _("The call list, as a file"),
    "worklist_pdf": _("The worklist, on paper"),
    "why": _("Why a date is what it is"),
    "log_menu": _("What can be entered for a pump"),
    "log_event": _("Entering what happened to a pump"),
    "correct_event": _("Correcting an entry"),
    "void_event": _("Marking an entry as an error"),
    "void_record": _("Marking something of the course as an error"),
    "enter_pump": _("Entering a pump"),
    "change_pump": _("Changing the pump"),
    "replace_pump": _("Replacing the pump"),
    "explant_pump": _("A pump that came out"),
    "raise_low_level": _("Raising the low level"),
    "hand_over": _("Who does the next refill"),
    "cancel_visit": _("Cancelling a visit"),
    "report": _("Reporting symptoms or an alarm"),
    "resolve_alert": _("Settling an alert"),
    "change_status": _("Whether the patient is in care"),
    "add_contact": _("Adding a contact"),
    "change_contact": _("Changing a contact"),
    "offer_transfer": _("Offering the patient to another clinic"),
    "begin_screening": _("Beginning a screening"),
    "give_up_screening": _("Giving a screening up"),
    "assess": _("Measuring"),
    "add_medicine": _("Adding a medicine"),
    "end_medicine": _("Ending a medicine"),
    "report_adverse": _("Recording an adverse event"),
    "rescue_plan": _("The oral rescue plan"),
    "audit_download": _("Who did what, as a file"),
}


def viewing_words(what: str) -> Promise | str:
    """A page by its name, a call by its address; one that nobody has named yet by what the code calls it."""
    if "/" in what:
        return f"API: {what}"
    return WORDS.get(what) or what.replace("_", " ").capitalize()
