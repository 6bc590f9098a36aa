"""Which part of the product a page belongs to, and which help topic is about it."""

from typing import NamedTuple


class Place(NamedTuple):
    """`section` is the link of the navigation that is marked; `topic` the help that is offered."""

    section: str
    topic: str


NOWHERE = Place("", "start")

# Part -> topic -> names of addresses. A page that is missing here fails tests/frame/test_help.py.
_PLACES: dict[str, dict[str, str]] = {
    "home": {
        "day": "home today prescribing preparing",
        "clinic": "administration guide guide_message leave_guide",
    },
    "worklist": {"day": "worklist worklist_now worklist_pdf", "booking": "book_in_place undo_visit"},
    "visits": {"booking": "visits calendar_address visit_rules"},
    "patient_list": {
        "patients": (
            "patient_list search enter_patient patient change_patient change_status add_contact change_contact"
            " end_contact"
        ),
        "devices": (
            "enter_pump change_pump explant_pump replace_pump hand_over offer_transfer withdraw_transfer transfer"
            " raise_low_level"
        ),
        "dates": "pump known what_if reservoir reservoir_pdf why",
        "booking": "visit cancel_visit confirm_visit arrive_visit miss_visit",
        "refill": "log_refill log_event log_menu visit_report",
        "titration": (
            "log_dose_change propose proposal wean weaning_plan sign_dose course course_pdf change_phase assess"
            " add_medicine end_medicine begin_screening screening give_up_screening"
        ),
        "corrections": "void_event correct_event confirm_plan void_record",
        "danger": "report card rescue_plan report_adverse emergency_card end_card print_card renew_card",
    },
    "to_sign": {"titration": "to_sign"},
    "alerts": {"alerts": "alerts alert resolve_alert messages message"},
    "clinic_list": {
        "clinic": (
            "clinic_list open_clinic clinic clinic_settings products product tiers closed_days open_on clinic_go_live"
            " clinic_history export_clinic protocol program_templates remove_template"
        ),
        "alerts": (
            "clinic_on_call change_rota add_stand_in end_stand_in webhooks renew_webhook try_webhook remove_webhook"
        ),
        "accounts": "people person revoke_keys withdraw_invitation resend_invitation",
        "import": (
            "imports import_job import_progress confirm_import cancel_import jobs job job_progress job_file cancel_job"
        ),
    },
    "": {
        "booking": "call_list clinic_call_list download_call_list log_call call_error",
        "alerts": "on_call digest_choices engine",
        "dates": "calculators label_sets fleet fleet_report re_estimate",
        "devices": "catalogue catalogue_edit",
        "accounts": "account leave_clinic api_keys revoke_key welcome_back session invitation",
        "start": "help help_topic",
        "refill": "offline",
        "keys": "keyboard",
    },
}

PLACES: dict[str, Place] = {
    name: Place(section, topic)
    for section, topics in _PLACES.items()
    for topic, names in topics.items()
    for name in names.split()
}
# Many addresses of one kind: django-allauth's, and the calendar's.
_BEGINNINGS: dict[str, Place] = {
    "mfa_": Place("", "accounts"),
    "account_": Place("", "accounts"),
    "calendar": Place("visits", "booking"),
    "guided": Place("patient_list", "refill"),
    "draft": Place("patient_list", "refill"),
    "audit": Place("home", "day"),
    "prescribing": Place("home", "day"),
    "find": Place("patient_list", "patients"),
    "import": Place("clinic_list", "import"),
}


def place_of(name: str | None) -> Place:
    """Where the page of this name belongs; nowhere, with the first help topic, if nobody said."""
    return find(name or "") or NOWHERE


def find(name: str) -> Place | None:
    found = PLACES.get(name)
    if found is not None:
        return found
    return next((place for beginning, place in _BEGINNINGS.items() if name.startswith(beginning)), None)
