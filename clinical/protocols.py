"""A clinic's own protocol: figures of a label set that may be tighter, and never looser."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from clinical.labels import BANDS, LabelSet
from clinical.saying import say
from clinical.units import plain


class Tighter(StrEnum):
    """In which direction a figure is tighter than the label's."""

    LESS = "less"
    MORE = "more"


@dataclass(frozen=True)
class Figure:
    """A figure a protocol may set: its words, its unit, and which way is tighter."""

    key: str
    words: str
    unit: str
    tighter: Tighter


BAND_WORDS = {"spinal": say("spinal"), "cerebral": say("cerebral"), "child": say("child"), "young": say("young")}
_OF_BANDS = [
    Figure(f"{key}.{band}", say("%(step)s, %(band)s, at most", step=words, band=BAND_WORDS[band]), "%", Tighter.LESS)
    for key, words in (
        ("titration_step_pct", say("Step up in titration")),
        ("maintenance_step_pct", say("Step up in maintenance")),
    )
    for band in BANDS
]
FIGURES = {
    figure.key: figure
    for figure in (
        *_OF_BANDS,
        Figure("decrease_pct", say("Step down, at most"), "%", Tighter.LESS),
        Figure("increase_interval_hours", say("Between increases, at least"), say("hours"), Tighter.MORE),
        Figure("limited_experience_mcg", say("Limited experience above"), "mcg/day", Tighter.LESS),
        Figure("most_dose_mcg", say("Largest daily dose"), "mcg/day", Tighter.LESS),
        Figure("high_dose_step_pct", say("Step from a high dose, at most"), "%", Tighter.LESS),
        Figure("screening_interval_hours", say("Between screening boluses, at least"), say("hours"), Tighter.MORE),
        Figure("screening_observe_hours", say("Observation after a bolus, at least"), say("hours"), Tighter.MORE),
        Figure("creep_mcg_per_year", say("More in a year asks for a look"), "mcg", Tighter.LESS),
    )
}
# Figures that are one end of a range of the label set: the range, and which end.
_ENDS = {
    "decrease_pct": ("decrease_pct", 1),
    "most_dose_mcg": ("dose_range_mcg", 1),
    "screening_observe_hours": ("screening_observe_hours", 0),
}


def of_label(key: str, labels: LabelSet) -> Decimal:
    """What the label set says of a figure of FIGURES."""
    name, _, band = key.partition(".")
    if band:
        return Decimal(getattr(labels, name)[band][1])
    if key in _ENDS:
        figure, end = _ENDS[key]
        return Decimal(getattr(labels, figure)[end])
    return Decimal(getattr(labels, key))


def problems(figures: Mapping[str, Decimal], labels: LabelSet) -> dict[str, list[str]]:
    """What is wrong with a protocol, by figure; empty if nothing is."""
    found: dict[str, list[str]] = {}
    for key, value in figures.items():
        said = _problem(key, value, labels)
        if said:
            found[key] = [said]
    return found


def _problem(key: str, value: Decimal, labels: LabelSet) -> str:
    if key not in FIGURES:
        return say("No such figure. There are: %(figures)s.", figures=", ".join(FIGURES))
    figure, label = FIGURES[key], of_label(key, labels)
    if not value.is_finite() or value <= 0:
        return say("Write a number above 0.")
    looser = value > label if figure.tighter is Tighter.LESS else value < label
    if looser:
        side = say("at most") if figure.tighter is Tighter.LESS else say("at least")
        return say(
            "%(name)s say %(label)s %(unit)s; a protocol is tighter: %(side)s that.",
            name=labels.name,
            label=plain(label),
            unit=figure.unit,
            side=side,
        )
    name, _, band = key.partition(".")
    if band and value < getattr(labels, name)[band][0]:
        return say(
            "Not below the lower end of the label's step, %(labels)s %%.", labels=plain(getattr(labels, name)[band][0])
        )
    if key in _ENDS:
        low, high = getattr(labels, _ENDS[key][0])
        if not low <= value <= high:
            return say("From %(low)s to %(high)s %(unit)s.", low=plain(low), high=plain(high), unit=figure.unit)
    return ""


def tightened(labels: LabelSet, figures: Mapping[str, Decimal]) -> LabelSet:
    """The label set with a protocol's figures in place of its own.

    Raises:
        ValueError: a figure is unknown or looser than the label's; see `problems`.
    """
    wrong = problems(figures, labels)
    if wrong:
        raise ValueError("; ".join(f"{key}: {' '.join(said)}" for key, said in wrong.items()))
    changes: dict[str, object] = {}
    for key, value in figures.items():
        name, _, band = key.partition(".")
        if band:
            ranges = changes.setdefault(name, dict(getattr(labels, name)))
            ranges[band] = (ranges[band][0], value)  # type: ignore[index]  # ranges by band
        elif key in _ENDS:
            figure, end = _ENDS[key]
            low, high = getattr(labels, figure)
            changes[figure] = (low, value) if end else (value, high)
        else:
            changes[key] = value
    return replace(labels, **changes)  # type: ignore[arg-type]  # figures of the same kinds
