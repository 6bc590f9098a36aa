"""Dose, phases, refills and scores on one time axis, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinical.ledger import Fill
from clinical.scales import Ashworth, middle_grade
from clinical.titration import Dose
from clinical.units import plain
from clinics.words import day
from pumps.pictures.axes import Scale, Time, draw_days, draw_numbers, step_of
from pumps.pictures.shapes import WIDTH, Area, Drawing, Key, Line, Mark, Moment, Picture, Table, Words
from therapy.models import Assessment, Phase, PhaseChange
from therapy.standing import Standing

HEIGHT = 366.0
DOSE_TOP, DOSE_BOTTOM = 44.0, 190.0
SCORE_TOP, SCORE_BOTTOM = 232.0, 334.0
# What a letter is wide, of a picture on a phone.
NARROW_LETTER, LETTER = 24.0, 11.0
GRADES = [grade.value for grade in Ashworth]
KINDS = ("pain", "spasms", "tone")
_KEYS = (
    ("dose-line", gettext_lazy("dose"), "line"),
    ("refill", gettext_lazy("refill"), "line"),
    ("pain", gettext_lazy("pain"), "mark"),
    ("spasms", gettext_lazy("spasms"), "mark"),
    ("tone", gettext_lazy("tone, the middle Ashworth grade"), "mark"),
)


@dataclass(frozen=True)
class Scores:
    """What an assessment says, in the words of the table; blank where it was not measured."""

    pain: str = ""
    spasms: str = ""
    tone: str = ""

    @property
    def words(self) -> str:
        return "; ".join(filter(None, (self.pain, self.spasms, self.tone))) or _("nothing measured")


@dataclass(frozen=True)
class Change:
    """A dose, from when, and the scores last measured before it and last measured under it."""

    at: datetime
    daily_dose_mcg: Decimal
    before: Scores
    after: Scores


def chart(
    standing: Standing, phases: Sequence[PhaseChange], assessments: Sequence[Assessment], now: datetime, zone: ZoneInfo
) -> Picture | None:
    """The picture of a course until now; None where nothing has happened yet. Phases and assessments in order."""
    fills = [event.at for event in standing.ledger if isinstance(event, Fill)]
    begun = [
        *(dose.at for dose in standing.doses),
        *fills,
        *(phase.began_at for phase in phases),
        *(each.measured_at for each in assessments),
    ]
    if not begun:
        return None
    axis = Time(min(begun), max(now, min(begun) + timedelta(days=1)), zone)
    drawn = Drawing()
    _draw_phases(drawn, axis, phases)
    _draw_doses(drawn, axis, standing.doses)
    for at in fills:
        drawn.lines.append(Line("refill", [(axis.x(at), DOSE_BOTTOM), (axis.x(at), DOSE_BOTTOM + 9)]))
    _draw_scores(drawn, axis, assessments)
    draw_days(drawn, axis, SCORE_BOTTOM)
    moments = _moments(axis, standing.doses, assessments)
    return Picture(
        name=_("Dose and scores"),
        says=_("Dose, phases, refills and scores over time."),
        height=HEIGHT,
        table=_table(changes_of(standing.doses, assessments), zone),
        areas=drawn.areas,
        lines=drawn.lines,
        marks=drawn.marks,
        words=drawn.words,
        keys=_keys(drawn),
        series=[_("Dose"), "", "", ""],
        moments=moments,
        start=max(len(moments) - 1, 0),
    )


def _keys(drawn: Drawing) -> list[Key]:
    there = {line.kind for line in drawn.lines} | {mark.kind for mark in drawn.marks}
    return [Key(kind, str(words), how) for kind, words, how in _KEYS if kind in there]


def _table(changes: Sequence[Change], zone: ZoneInfo) -> Table:
    heads = [_("From"), _("Dose"), _("Measured before"), _("Measured under it")]
    rows = [[day(one.at, zone), dose_words(one.daily_dose_mcg), one.before.words, one.after.words] for one in changes]
    return Table(_("Doses and scores"), heads, rows)


def _moments(axis: Time, doses: Sequence[Dose], assessments: Sequence[Assessment]) -> list[Moment]:
    """A place to point at for each dose and each assessment, with the dose that ran then."""
    scored = {each.measured_at: scores_of(each) for each in assessments}
    found = []
    for at in sorted({*scored, *(dose.at for dose in doses)}):
        running = [dose for dose in doses if dose.at <= at]
        scores = scored.get(at, Scores())
        dose = dose_words(running[-1].daily_dose_mcg) if running else ""
        found.append(Moment(axis.x(at), day(at, axis.zone), [dose, scores.pain, scores.spasms, scores.tone]))
    return found


def _draw_phases(found: Drawing, axis: Time, phases: Sequence[PhaseChange]) -> None:
    ends = [*(phase.began_at for phase in phases[1:]), axis.end]
    for place, (phase, end) in enumerate(zip(phases, ends, strict=False)):
        x, width = axis.x(phase.began_at), axis.x(end) - axis.x(phase.began_at)
        found.areas.append(Area("phase-odd" if place % 2 else "phase", x, 8, width, SCORE_BOTTOM - 8))
        label = str(Phase(phase.phase).label).split(",")[0]
        if width > LETTER * len(label):
            found.words.append(Words(x + 4, 22, label, is_extra=width < NARROW_LETTER * len(label)))


def _draw_doses(found: Drawing, axis: Time, doses: Sequence[Dose]) -> None:
    step = step_of(max((float(dose.daily_dose_mcg) for dose in doses), default=100.0), parts=3)
    most = max((float(dose.daily_dose_mcg) for dose in doses), default=100.0)
    scale = Scale(DOSE_TOP, DOSE_BOTTOM, 0, max(step, -(-most // step) * step))
    draw_numbers(found, scale, step, "mcg/day")
    points: list[tuple[float, float]] = []
    for dose in doses:
        x, y = axis.x(dose.at), scale.y(float(dose.daily_dose_mcg))
        points += [(x, points[-1][1]), (x, y)] if points else [(x, y)]
    if points:
        found.lines.append(Line("dose-line", [*points, (axis.x(axis.end), points[-1][1])]))


def _draw_scores(found: Drawing, axis: Time, assessments: Sequence[Assessment]) -> None:
    scales = {
        "pain": Scale(SCORE_TOP, SCORE_BOTTOM, 0, 10),
        "spasms": Scale(SCORE_TOP, SCORE_BOTTOM, 0, 4),
        "tone": Scale(SCORE_TOP, SCORE_BOTTOM, 0, len(GRADES) - 1),
    }
    for y, words in ((SCORE_TOP, _("most")), (SCORE_BOTTOM, _("none"))):
        found.lines.append(Line("grid", [(0, y), (WIDTH, y)]))
        found.words.append(Words(2, y - 3, words, kind="number"))
    for kind, scale in scales.items():
        points = []
        for each in assessments:
            value = _value(each, kind)
            if value is not None:
                points.append((axis.x(each.measured_at), scale.y(value)))
                found.marks.append(Mark(kind, *points[-1], title=getattr(scores_of(each), kind)))
        if len(points) > 1:
            found.lines.append(Line(kind, points))


def _value(each: Assessment, kind: str) -> float | None:
    if kind == "tone":
        grade = middle_grade(each.ashworth)
        return GRADES.index(grade) if grade is not None else None
    return each.pain if kind == "pain" else each.spasm_frequency


def scores_of(each: Assessment) -> Scores:
    """The scores of an assessment in words."""
    return Scores(
        pain=_("pain %(score)s of 10") % {"score": each.pain} if each.pain is not None else "",
        spasms=_spasm_words(each),
        tone=_tone_words(each),
    )


def _spasm_words(each: Assessment) -> str:
    if each.spasm_frequency is None:
        return ""
    if each.spasm_severity is None:
        return _("spasms %(score)s of 4") % {"score": each.spasm_frequency}
    scores = {"score": each.spasm_frequency, "severity": each.spasm_severity}
    return _("spasms %(score)s of 4, severity %(severity)s of 3") % scores


def _tone_words(each: Assessment) -> str:
    grade, count = middle_grade(each.ashworth), len(each.ashworth)
    if grade is None:
        return ""
    words = ngettext(
        "tone %(grade)s (middle of %(count)s Ashworth grade)",
        "tone %(grade)s (middle of %(count)s Ashworth grades)",
        count,
    )
    return words % {"grade": grade, "count": count}


def changes_of(doses: Sequence[Dose], assessments: Sequence[Assessment]) -> list[Change]:
    """Each dose with the scores around it, newest first."""
    ends = [*(dose.at for dose in doses[1:]), None]
    found = []
    for dose, end in zip(doses, ends, strict=False):
        before = [each for each in assessments if each.measured_at <= dose.at]
        after = [
            each for each in assessments if each.measured_at > dose.at and (end is None or each.measured_at <= end)
        ]
        found.append(Change(dose.at, dose.daily_dose_mcg, _last(before), _last(after)))
    return found[::-1]


def _last(assessments: Sequence[Assessment]) -> Scores:
    """The last word on each score."""
    found = [scores_of(each) for each in assessments]
    return Scores(*(next((value for each in reversed(found) if (value := getattr(each, name))), "") for name in KINDS))


def dose_words(dose: Decimal) -> str:
    return _("%(dose)s mcg/day") % {"dose": plain(dose)} if dose else _("stopped")
