"""Work that takes longer than a page: all forecasts of a clinic anew, and its monthly report."""

import logging
from datetime import date, timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from clinics.models import Clinic, Job
from clinics.pages.access import administered, require, user_of
from clinics.roles import Permission
from pumps.fleet_report import month_of
from pumps.services import long_work
from pumps.tasks import run_jobs

logger = logging.getLogger(__name__)

# Reports reach so far back as a field can: the ledger holds what it holds.
FIRST_YEAR = 2000


class MonthForm(forms.Form):
    month = forms.CharField(
        label=gettext_lazy("Month"),
        max_length=7,
        widget=forms.TextInput(attrs={"type": "month", "autocomplete": "off"}),
        help_text=gettext_lazy("As year-month, such as 2026-11."),
    )

    def __init__(self, *args: object, today: date, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are
        self.today = today

    def clean_month(self) -> date:
        written = str(self.cleaned_data["month"]).strip()
        try:
            month = month_of(written)
        except ValueError:
            raise forms.ValidationError(_("Write a month as year-month, such as 2026-11.")) from None
        if not FIRST_YEAR <= month.year or month > self.today:
            raise forms.ValidationError(_("Choose a month that has begun."))
        return month


def hurry() -> None:
    """Have it done now; without Redis the next interval finds it."""
    try:
        run_jobs.delay()
    except OperationalError:
        logger.warning("the broker does not answer; the job waits for the next interval")


def watched(job: Job) -> HttpResponse:
    """To the page that shows how far the job is."""
    hurry()
    return redirect("job", work_id=job.pk)


@require_POST
def re_estimate(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """All forecasts of the clinic anew, from what the fleet's refills say now."""
    clinic = administered(request, clinic_id)
    return watched(long_work.ask_re_estimate(clinic=clinic, by=user_of(request), now=timezone.now()))


def fleet_report(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """Choose a month; the worker makes its report."""
    clinic = get_object_or_404(Clinic.objects.visible_to(user_of(request)), pk=clinic_id)
    require(request, Permission.SEE_CLINICAL, clinic.pk)
    now = timezone.now()
    today = now.astimezone(clinic.zone).date()
    form = MonthForm(request.POST or None, today=today, initial={"month": f"{_last_month(today):%Y-%m}"})
    if request.method == "POST" and form.is_valid():
        month: date = form.cleaned_data["month"]
        return watched(long_work.ask_report(clinic=clinic, month=month, by=user_of(request), now=now))
    made = Job.objects.filter(clinic=clinic, kind=Job.Kind.FLEET_REPORT, state=Job.State.DONE).select_related("user")
    return render(request, "pumps/fleet_report.html", {"clinic": clinic, "form": form, "made": made[:12]})


def _last_month(today: date) -> date:
    return today.replace(day=1) - timedelta(days=1)
