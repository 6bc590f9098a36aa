"""What each role may do (design, section 4)."""

from enum import StrEnum


class Role(StrEnum):
    SCHEDULER = "scheduler"
    NURSE = "nurse"
    PRESCRIBER = "prescriber"
    PHARMACIST = "pharmacist"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


# What a role is for, where roles are given.
ROLE_WORDS: dict[Role, str] = {
    Role.SCHEDULER: "sees the worklist, contacts and dates; books refills",
    Role.NURSE: "sees all; logs refills, doses and events; proposes doses",
    Role.PRESCRIBER: "as a nurse, and signs doses",
    Role.PHARMACIST: "sees all; corrects the drug data of refills; proposes doses",
    Role.ADMINISTRATOR: "sees all, logs, and runs the clinic: settings, people, import, keys",
    Role.AUDITOR: "sees all, and who did what",
}


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
_CARE = {P.SEE, P.SEE_CLINICAL, P.LOG, P.LOG_DRUG_DATA, P.BOOK}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.SCHEDULER: frozenset({P.SEE, P.BOOK}),
    Role.NURSE: frozenset(_CARE | {P.PROPOSE_DOSE}),
    Role.PRESCRIBER: frozenset(_CARE | {P.PROPOSE_DOSE, P.SIGN_DOSE}),
    Role.PHARMACIST: frozenset({P.SEE, P.SEE_CLINICAL, P.LOG_DRUG_DATA, P.PROPOSE_DOSE}),
    Role.ADMINISTRATOR: frozenset(_CARE | {P.ADMINISTER}),
    Role.AUDITOR: frozenset({P.SEE, P.SEE_CLINICAL, P.AUDIT}),
}
