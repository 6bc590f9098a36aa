"""Lists to take away: the worklist as it was on screen, and the load of six weeks. Who took one is kept."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinical.saying import say
from clinics.models import Clinic
from clinics.pages.access import user_of
from pumps import agenda, load_pdf
from pumps.pages.calendar import shown
from pumps.pages.calendar_months import SIX_WEEKS
from pumps.pages.worklist_filter import Asked
from pumps.pages.worklist_lines import lines
from pumps.printing import PAPERS
from pumps.services import call_lists
from pumps.worklist_pdf import WorklistPaper, as_pdf

# A page has room for a dozen; who needs more narrows the list.
MOST_PRINTED = 500


def worklist_paper(request: HttpRequest) -> HttpResponse:
    """The rows the address asks for, most urgent first, `?paper=a4` or `letter`."""
    user, now = user_of(request), timezone.now()
    asked = Asked.of(request, user, now)
    rows = asked.read(list(asked.rows()[: MOST_PRINTED + 1]))
    found = WorklistPaper(
        lines=lines(user, rows[:MOST_PRINTED], asked.policies, now),
        who=str(user),
        made_at=now,
        zone=_wall(asked.clinic, asked.clinics),
        shown=_in_words(asked),
        is_more=len(rows) > MOST_PRINTED,
        of_several=asked.clinic is None,
    )
    paper = paper_of(request, asked.clinic or (asked.clinics[0] if asked.clinics else None))
    data = as_pdf(found, paper)
    taken_from = {row.clinic_id: row.clinic for row in rows}.values()
    call_lists.taken_away(
        what=say("Worklist downloaded (%(papers)s)", papers=PAPERS[paper]), clinics=taken_from, by=user, now=now
    )
    return pdf(data, f"worklist-{now.astimezone(found.zone).date()}.pdf")


def load_paper(request: HttpRequest) -> HttpResponse:
    """The six weeks of `calendar_months.load`; numbers only, so nothing is noted."""
    asked = shown(request)
    days = agenda.loads(asked.of, asked.day, asked.day + SIX_WEEKS - timedelta(days=1))
    where = asked.clinic.name if asked.clinic is not None else _("All clinics")
    paper = paper_of(request, asked.clinic or (asked.clinics[0] if asked.clinics else None))
    data = load_pdf.as_pdf(days, where=where, paper=paper, made_at=asked.now, zone=_wall(asked.clinic, asked.clinics))
    return pdf(data, f"load-{asked.day}.pdf")


def paper_of(request: HttpRequest, clinic: Clinic | None) -> str:
    """The paper asked for, or what is usual where the clinic is."""
    asked = request.GET.get("paper", "")
    if asked in PAPERS:
        return asked
    return "letter" if clinic is None or clinic.label_set == Clinic.LabelSet.US else "a4"


def pdf(data: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(data, content_type="application/pdf", headers=headers)


def _wall(clinic: Clinic | None, clinics: Sequence[Clinic]) -> ZoneInfo:
    """The wall that times of making are told by: the clinic's, or that of the first."""
    wall = clinic or (clinics[0] if clinics else None)
    return wall.zone if wall is not None else ZoneInfo("UTC")


def _in_words(asked: Asked) -> list[str]:
    """What the list was narrowed to."""
    wanted, words = asked.filter, []
    if asked.clinic is not None:
        words.append(asked.clinic.name)
    if wanted.text:
        words.append(_("matching “%(text)s”") % {"text": wanted.text})
    if wanted.urgency:
        words.append(dict(asked.urgency_choices()).get(wanted.urgency, wanted.urgency))
    if wanted.without_visit:
        words.append(_("due, without a visit"))
    if wanted.within_days is not None:
        words.append(_("refill by within %(days)d days") % {"days": wanted.within_days})
    return words
