"""What a patient or a nurse can report, in plain words, and what makes it an emergency.

Source of every list: clinical rules, section 4.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


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
    Symptom("tightness", "My tightness or spasms are back"),
    Symptom("itching", "I am itching"),
    Symptom("tingling", "I feel tingling or prickling"),
    Symptom("light_headed", "I am light-headed, or my blood pressure is low"),
    Symptom("sweating", "I am sweating"),
    Symptom("fever", "I have a fever", is_emergency=True),
    Symptom("confusion", "I am confused, or not myself", is_emergency=True),
    Symptom("hallucinations", "I see or hear things that are not there", is_emergency=True),
    Symptom("seizure", "I had a seizure (a fit)", is_emergency=True),
    Symptom("fast_heart", "My heart is beating fast"),
    Symptom("rigid", "My muscles are rigid: stiff all over", is_emergency=True),
    # Not of the rules: what fits no other sign counts as the one that kills where it is missed.
    Symptom("unwell", "I feel unwell in another way"),
)
OVERDOSE = (
    Symptom("drowsy", "I am very drowsy"),
    Symptom("dizzy", "I am dizzy"),
    Symptom("floppy", "I am weak or floppy"),
    Symptom("slurred", "My speech is slurred"),
    Symptom("vision", "I see blurred or double"),
    Symptom("vomiting", "I am vomiting"),
    Symptom("watering_mouth", "My mouth is watering"),
    Symptom("slow_breathing", "I breathe slowly, or it is hard to breathe", is_emergency=True),
    Symptom("seizure", "I had a seizure (a fit)", is_emergency=True),
    Symptom("unconscious", "The person cannot be woken, or passed out", is_emergency=True),
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
