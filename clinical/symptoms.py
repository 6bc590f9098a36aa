"""What a patient or a nurse can report, in plain words, and what makes it an emergency.

Source of every list: clinical rules, section 4.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from clinical.saying import say


class Syndrome(StrEnum):
    """Too little of the drug, or too much."""

    WITHDRAWAL = "withdrawal"
    OVERDOSE = "overdose"


@dataclass(frozen=True)
class Symptom:
    """`words` are for a patient; `is_emergency`: with this one, the emergency number comes first."""

    code: str
    words: str
    is_emergency: bool = False


WITHDRAWAL = (
    Symptom("tightness", say("My tightness or spasms are back")),
    Symptom("itching", say("I am itching")),
    Symptom("tingling", say("I feel tingling or prickling")),
    Symptom("light_headed", say("I am light-headed, or my blood pressure is low")),
    Symptom("sweating", say("I am sweating")),
    Symptom("fever", say("I have a fever"), is_emergency=True),
    Symptom("confusion", say("I am confused, or not myself"), is_emergency=True),
    Symptom("hallucinations", say("I see or hear things that are not there"), is_emergency=True),
    Symptom("seizure", say("I had a seizure (a fit)"), is_emergency=True),
    Symptom("fast_heart", say("My heart is beating fast")),
    Symptom("rigid", say("My muscles are rigid: stiff all over"), is_emergency=True),
    # Not of the rules: what fits no other sign counts as the one that kills where it is missed.
    Symptom("unwell", say("I feel unwell in another way")),
)
OVERDOSE = (
    Symptom("drowsy", say("I am very drowsy")),
    Symptom("dizzy", say("I am dizzy")),
    Symptom("floppy", say("I am weak or floppy")),
    Symptom("slurred", say("My speech is slurred")),
    Symptom("vision", say("I see blurred or double")),
    Symptom("vomiting", say("I am vomiting")),
    Symptom("watering_mouth", say("My mouth is watering")),
    Symptom("slow_breathing", say("I breathe slowly, or it is hard to breathe"), is_emergency=True),
    Symptom("seizure", say("I had a seizure (a fit)"), is_emergency=True),
    Symptom("unconscious", say("The person cannot be woken, or passed out"), is_emergency=True),
)
OF_SYNDROME = {Syndrome.WITHDRAWAL: WITHDRAWAL, Syndrome.OVERDOSE: OVERDOSE}
BY_CODE = {symptom.code: symptom for symptom in (*WITHDRAWAL, *OVERDOSE)}


def syndromes(codes: Collection[str]) -> list[Syndrome]:
    """What the symptoms speak for, the one with more of them first; both where one could be either.

    Raises:
        ValueError: a code is not in the lists.
    """
    unknown = set(codes) - set(BY_CODE)
    if unknown:
        raise ValueError(f"unknown symptoms: {', '.join(sorted(unknown))}")
    counts = {
        syndrome: sum(symptom.code in codes for symptom in symptoms) for syndrome, symptoms in OF_SYNDROME.items()
    }
    found = [syndrome for syndrome, count in counts.items() if count]
    return sorted(found, key=lambda syndrome: -counts[syndrome])


def is_emergency(codes: Collection[str]) -> bool:
    """Whether one of the symptoms calls for the emergency number before anything else."""
    return any(BY_CODE[code].is_emergency for code in codes if code in BY_CODE)
