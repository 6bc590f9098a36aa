"""What each role may do (design, section 4)."""

from collections.abc import Iterable
from enum import StrEnum

from django.utils.translation import gettext_lazy

from clinical.saying import say


class Role(StrEnum):
    """Its code is also said, in texts that are kept."""

    SCHEDULER = say("scheduler")
    NURSE = say("nurse")
    PRESCRIBER = say("prescriber")
    PHARMACIST = say("pharmacist")
    ADMINISTRATOR = say("administrator")
    AUDITOR = say("auditor")


# A role within a sentence, and what it is for, where roles are given.
ROLE_NAMES = {
    Role.SCHEDULER: gettext_lazy("scheduler"),
    Role.NURSE: gettext_lazy("nurse"),
    Role.PRESCRIBER: gettext_lazy("prescriber"),
    Role.PHARMACIST: gettext_lazy("pharmacist"),
    Role.ADMINISTRATOR: gettext_lazy("administrator"),
    Role.AUDITOR: gettext_lazy("auditor"),
}
ROLE_WORDS = {
    Role.SCHEDULER: gettext_lazy("Scheduler: sees the worklist, contacts and dates; books refills"),
    Role.NURSE: gettext_lazy("Nurse: sees all; logs refills, doses and events; proposes doses"),
    Role.PRESCRIBER: gettext_lazy("Prescriber: as a nurse, and signs doses"),
    Role.PHARMACIST: gettext_lazy("Pharmacist: sees all; corrects the drug data of refills; proposes doses"),
    Role.ADMINISTRATOR: gettext_lazy(
        "Administrator: sees all, logs, and runs the clinic: settings, people, import, keys"
    ),
    Role.AUDITOR: gettext_lazy("Auditor: sees all, and who did what"),
}


def in_words(roles: Iterable[str]) -> str:
    """Roles in a row, in the reader's language."""
    return ", ".join(str(ROLE_NAMES[Role(role)]) for role in roles)


class Permission(StrEnum):
    SEE = "see"  # worklist, contacts, dates
    SEE_CLINICAL = "see_clinical"  # everything else about a patient
    LOG = "log"  # refills, doses made, events
    LOG_DRUG_DATA = "log_drug_data"  # lot, expiry, stability of a refill
    BOOK = "book"
    PROPOSE_DOSE = "propose_dose"
    SIGN_DOSE = "sign_dose"
    ADMINISTER = "administer"  # settings, people, import, keys
    AUDIT = "audit"


P = Permission
PERMISSION_WORDS = {
    P.SEE: gettext_lazy("seeing patients"),
    P.SEE_CLINICAL: gettext_lazy("seeing clinical data"),
    P.LOG: gettext_lazy("entering refills, doses and what else happens to a pump"),
    P.LOG_DRUG_DATA: gettext_lazy("entering the drug data of refills"),
    P.BOOK: gettext_lazy("booking visits"),
    P.PROPOSE_DOSE: gettext_lazy("proposing doses"),
    P.SIGN_DOSE: gettext_lazy("signing doses"),
    P.ADMINISTER: gettext_lazy("running the clinic: settings, people, import"),
    P.AUDIT: gettext_lazy("seeing who did what"),
}
_CARE = {P.SEE, P.SEE_CLINICAL, P.LOG, P.LOG_DRUG_DATA, P.BOOK}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.SCHEDULER: frozenset({P.SEE, P.BOOK}),
    Role.NURSE: frozenset(_CARE | {P.PROPOSE_DOSE}),
    Role.PRESCRIBER: frozenset(_CARE | {P.PROPOSE_DOSE, P.SIGN_DOSE}),
    Role.PHARMACIST: frozenset({P.SEE, P.SEE_CLINICAL, P.LOG_DRUG_DATA, P.PROPOSE_DOSE}),
    Role.ADMINISTRATOR: frozenset(_CARE | {P.ADMINISTER}),
    Role.AUDITOR: frozenset({P.SEE, P.SEE_CLINICAL, P.AUDIT}),
}
