"""Who is on call, for everybody of a clinic; its rota and stand-ins, for administrators; one's daily digest."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from alerts.duty_forms import DigestForm, HandOverForm, RotaForm, StandInForm
from alerts.models import OnCallRota, StandIn
from alerts.services import digests, oncall, rotas
from clinics.errors import Conflict, Impossible
from clinics.models import Clinic, User
from clinics.pages.access import administered, take, user_of
from clinics.roles import Permission


def on_call(request: HttpRequest) -> HttpResponse:
    """Who is on call now, in each of the person's clinics."""
    now = timezone.now()
    clinics = list(Clinic.objects.visible_to(user_of(request)))
    if len(clinics) == 1:
        return redirect("clinic_on_call", clinic_id=clinics[0].pk)
    found = oncall.on_call([clinic.pk for clinic in clinics], now)
    people = User.objects.in_bulk(found.values())
    lines = [(clinic, people[found[clinic.pk]] if clinic.pk in found else None) for clinic in clinics]
    return render(request, "alerts/on_call.html", {"lines": lines})


def clinic_on_call(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """Who is on call now and in the next four weeks; handing over, for whoever is, and for administrators."""
    user, now = user_of(request), timezone.now()
    clinic = get_object_or_404(Clinic.objects.visible_to(user), pk=clinic_id)
    spells = oncall.schedule(clinic, now)
    holder = spells[0].user or spells[0].left
    is_administrator = user.access.can(Permission.ADMINISTER, clinic.pk)
    form = None
    if holder is not None and (holder == user or is_administrator):
        others = [person for person in _staff(clinic) if person != holder]
        form = HandOverForm(request.POST or None, people=others)
        if request.method == "POST" and form.is_valid() and _hand_over(request, clinic, form, now):
            return redirect("clinic_on_call", clinic_id=clinic.pk)
    rota = OnCallRota.objects.filter(clinic=clinic).last()
    context = {
        "clinic": clinic,
        "spells": spells,
        "stand_ins": list(
            StandIn.objects.filter(clinic=clinic).between(now, now + oncall.AHEAD).select_related("user")
        ),
        "rota": rota,
        "order": _order(rota),
        "form": form,
        "holder": holder,
        "is_administrator": is_administrator,
        "now": now,
    }
    return render(request, "alerts/clinic_on_call.html", context)


def _staff(clinic: Clinic) -> list[User]:
    """Everybody of the staff who may log in, by name."""
    ids = oncall.staff_of([clinic.pk])[clinic.pk]
    return list(User.objects.filter(pk__in=ids).order_by("name", "email"))


def _order(rota: OnCallRota | None) -> list[User]:
    if rota is None:
        return []
    people = User.objects.in_bulk(rota.people)
    return [people[pk] for pk in rota.people if pk in people]


def _hand_over(request: HttpRequest, clinic: Clinic, form: forms.Form, now: datetime) -> bool:
    values = form.cleaned_data
    try:
        made = rotas.hand_over(
            clinic=clinic, to_user_id=values["user"], reason=values["reason"], by=user_of(request), now=now
        )
    except Impossible as error:
        take(form, error.errors)
        return False
    except Conflict as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, _("%(user)s is on call from now. Both of you are told by mail.") % {"user": made.user})
    return True


def change_rota(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """A new rota, filled in with the present one."""
    clinic, now = administered(request, clinic_id), timezone.now()
    rota = OnCallRota.objects.filter(clinic=clinic).last()
    form = RotaForm.of(rota, _staff(clinic), now.astimezone(clinic.zone).date(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            rotas.set_rota(
                clinic=clinic,
                starts_on=values["starts_on"],
                weekday=values["weekday"],
                hand_over_at=values["hand_over_at"],
                people=form.order(),
                by=user_of(request),
                now=now,
            )
        except Impossible as error:
            take(form, error.errors)
        else:
            messages.success(request, _("Saved. Here is who is on call from now on."))
            return redirect("clinic_on_call", clinic_id=clinic.pk)
    return render(request, "alerts/rota.html", {"clinic": clinic, "form": form, "rota": rota})


def add_stand_in(request: HttpRequest, clinic_id: int) -> HttpResponse:
    clinic, now = administered(request, clinic_id), timezone.now()
    form = StandInForm(request.POST or None, clinic=clinic, people=_staff(clinic))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = rotas.stand_in(
                clinic=clinic,
                user_id=values["user"],
                begins_at=values["begins_at"],
                ends_at=values["ends_at"],
                reason=values["reason"],
                by=user_of(request),
                now=now,
            )
        except Impossible as error:
            take(form, error.errors)
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("%(user)s stands in.") % {"user": made.user})
            return redirect("clinic_on_call", clinic_id=clinic.pk)
    return render(request, "alerts/stand_in.html", {"clinic": clinic, "form": form})


@require_POST
def end_stand_in(request: HttpRequest, clinic_id: int, stand_in_id: int) -> HttpResponse:
    clinic = administered(request, clinic_id)
    one = get_object_or_404(StandIn, clinic=clinic, pk=stand_in_id)
    try:
        ended = rotas.end_stand_in(stand_in_id=one.pk, by=user_of(request), now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(user)s does not stand in any more.") % {"user": ended.user})
    return redirect("clinic_on_call", clinic_id=clinic.pk)


def digest_choices(request: HttpRequest) -> HttpResponse:
    """Which clinics' daily digest one gets."""
    user = user_of(request)
    clinics = list(Clinic.objects.visible_to(user))
    wanted = [clinic.pk for clinic in clinics if user.pk in digests.wanted_by(clinic.pk)]
    form = DigestForm(request.POST if request.method == "POST" else None, clinics=clinics, initial={"clinics": wanted})
    if request.method == "POST" and form.is_valid():
        digests.choose(user=user, wanted=form.cleaned_data["clinics"])
        messages.success(request, _("Saved."))
        return redirect("digest_choices")
    return render(request, "alerts/digest_choices.html", {"form": form, "clinics": clinics})
