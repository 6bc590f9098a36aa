"""A clinic: what it has set, what a change would do today, and going live. Beside the pumps, whose dates it moves."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from alerts.messages import headline
from alerts.services import lifecycle
from alerts.services.lifecycle import Policy
from clinics import paging
from clinics.errors import DomainError, Impossible
from clinics.models import Change, Clinic, ClosedDay
from clinics.pages.access import administered, require, take, user_of
from clinics.roles import Permission
from clinics.services import tenants
from pumps.forms.settings import ClinicForm, ClosedDayForm, NewClinicForm, ProductForm, RiskForm, tier_forms
from pumps.models import DrugProduct
from pumps.pages.long_work import watched
from pumps.services import go_live as planning
from pumps.services import long_work
from pumps.services import settings as settings_service
from pumps.services.settings import PREVIEWED, Effect

PLANNED_SHOWN = 200


def clinic_list(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    context = {
        "clinics": Clinic.objects.visible_to(user),
        "may_open": user.access.can_everywhere(Permission.ADMINISTER),
        "may_import": user.access.can_somewhere(Permission.ADMINISTER),
    }
    return render(request, "clinics/clinic_list.html", context)


def open_clinic(request: HttpRequest) -> HttpResponse:
    """A new, empty clinic, by an administrator of all clinics."""
    user = user_of(request)
    if not user.access.can_everywhere(Permission.ADMINISTER):
        raise PermissionDenied(_("A clinic is opened by an administrator of all clinics."))
    form = NewClinicForm(request.POST or None, initial={"label_set": Clinic.LabelSet.US})
    if request.method == "POST" and form.is_valid():
        try:
            opened = tenants.open_clinic(by=user, now=timezone.now(), **form.cleaned_data)
        except Impossible as error:
            take(form, error.errors)
        else:
            messages.success(request, _("%(clinic)s is open. These are its first steps.") % {"clinic": opened})
            return redirect("guide", clinic_id=opened.pk)
    return render(request, "clinics/clinic_new.html", {"form": form})


def clinic(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """What the clinic has set, for everybody of it."""
    found = _clinic(request, clinic_id)
    ladder = lifecycle.ladders([found.pk])[found.pk]
    context = {
        "clinic": found,
        "can_administer": user_of(request).access.can(Permission.ADMINISTER, found.pk),
        "weekdays": [WEEKDAYS[day] for day in sorted(found.opening_days)],
        "closed_days": found.closed_days.filter(day__gte=timezone.now().astimezone(found.zone).date()),
        "products": found.products.all(),
        "tiers": [(headline(tier.code), tier, -tier.lead_days) for tier in ladder],
    }
    return render(request, "clinics/clinic.html", context)


def _clinic(request: HttpRequest, clinic_id: int) -> Clinic:
    return get_object_or_404(Clinic.objects.visible_to(user_of(request)), pk=clinic_id)


def clinic_settings(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """The settings; then what they would change today; then saved."""
    found = administered(request, clinic_id)
    form = ClinicForm.of(found, request.POST or None)
    effect = None
    if request.method == "POST" and form.is_valid() and request.POST.get("step") != "edit":
        now = timezone.now()
        try:
            if request.POST.get("step") == "save" and long_work.is_for_the_worker(found):
                return watched(
                    long_work.ask_settings(clinic=found, settings=form.settings(), by=user_of(request), now=now)
                )
            if request.POST.get("step") == "save":
                moved = settings_service.change(clinic=found, settings=form.settings(), now=now, by=user_of(request))
                messages.success(request, _("Saved. %(moved)s.") % {"moved": _pumps(moved)})
                return redirect("clinic", clinic_id=found.pk)
            effect = settings_service.preview(clinic=found, settings=form.settings(), now=now, most=PREVIEWED)
        except Impossible as error:
            take(form, error.errors)
    if effect is not None:
        return _effect_page(request, found, effect, [field.label for field in _changed(form)])
    return render(request, "clinics/clinic_settings.html", {"clinic": found, "form": form})


def _changed(form: forms.Form) -> list[forms.Field]:
    return [form.fields[name] for name in form.changed_data]


def _pumps(moved: int) -> str:
    return ngettext("%(moved)s pump moves", "%(moved)s pumps move", moved) % {"moved": moved}


def _effect_page(
    request: HttpRequest, clinic: Clinic, effect: Effect, changed: list[Any], *, step: str = "save"
) -> HttpResponse:
    """What a change would do today, before it is saved."""
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in ("csrfmiddlewaretoken", "step")
        for value in values
    ]
    context = {
        "clinic": clinic,
        "effect": effect,
        "moves": _pumps(effect.moved),
        "changed": changed,
        "kept": kept,
        "step": step,
        "address": request.path,
    }
    return render(request, "clinics/effect.html", context)


def products(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """The drug products of the clinic, and a new one."""
    found = administered(request, clinic_id)
    return _product(request, found, None)


def product(request: HttpRequest, clinic_id: int, product_id: int) -> HttpResponse:
    found = administered(request, clinic_id)
    return _product(request, found, get_object_or_404(DrugProduct, clinic=found, pk=product_id))


def _product(request: HttpRequest, clinic: Clinic, stored: DrugProduct | None) -> HttpResponse:
    form = ProductForm.of(stored, request.POST or None)
    step, now = request.POST.get("step"), timezone.now()
    if stored is not None and step in ("remove", "removed"):
        if step == "remove":
            effect = settings_service.preview_without(product=stored, now=now, most=PREVIEWED)
            return _effect_page(
                request, clinic, effect, [_("%(stored)s is taken off the list") % {"stored": stored}], step="removed"
            )
        moved = settings_service.remove_product(product=stored, now=now, by=user_of(request))
        messages.success(
            request, _("%(stored)s is off the list. %(moved)s.") % {"stored": stored, "moved": _pumps(moved)}
        )
        return redirect("products", clinic_id=clinic.pk)
    if request.method == "POST" and form.is_valid() and step != "edit":
        try:
            if step == "save":
                wanted = form.settings()
                moved = settings_service.set_product(clinic=clinic, product=wanted, now=now, by=user_of(request))
                messages.success(
                    request, _("Saved: %(name)s. %(moved)s.") % {"name": wanted.name, "moved": _pumps(moved)}
                )
                return redirect("products", clinic_id=clinic.pk)
            effect = settings_service.preview_product(clinic=clinic, product=form.settings(), now=now, most=PREVIEWED)
            return _effect_page(request, clinic, effect, [form.cleaned_data["name"]])
        except Impossible as error:
            take(form, error.errors)
    context = {"clinic": clinic, "form": form, "product": stored, "products": clinic.products.all()}
    return render(request, "clinics/products.html", context)


def tiers(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """The ladder of reminders: when each tier begins, whom it reaches and how, how often; and what risk adds."""
    found = administered(request, clinic_id)
    present = lifecycle.policies([found.pk])[found.pk]
    rows = tier_forms(present.ladder, request.POST or None, settings_service.people_of(found))
    risk = RiskForm(request.POST or None, initial={"risk_days": present.risk_days})
    step = request.POST.get("step")
    general: list[str] = []
    if request.method == "POST" and all([form.is_valid() for form in (*rows, risk)]) and step != "edit":  # noqa: C419  each is asked
        wanted = Policy([row.tier_wanted() for row in rows], risk.cleaned_data["risk_days"])
        now = timezone.now()
        try:
            if step == "save":
                policy = settings_service.set_ladder(
                    clinic=found, ladder=wanted.ladder, risk_days=wanted.risk_days, now=now, by=user_of(request)
                )
                messages.success(
                    request,
                    _("Saved as version %(version)s. Open alerts keep the tiers they began with.")
                    % {"version": policy.version},
                )
                return redirect("clinic", clinic_id=found.pk)
            effect = settings_service.preview_ladder(clinic=found, wanted=wanted, now=now, most=PREVIEWED)
            changed = [headline(row.tier.code) for row in rows if row.has_changed()]
            changed += [_("Higher risk")] * risk.has_changed()
            return _effect_page(request, found, effect, changed)
        except Impossible as error:
            general = _take_tiers(rows, error)
    context = {
        "clinic": found,
        "rows": [(headline(row.tier.code), row) for row in rows],
        "risk": risk,
        "general": general,
        "version": present.version,
    }
    return render(request, "clinics/tiers.html", context)


def _take_tiers(rows: Any, error: Impossible) -> list[str]:
    """Show each tier's messages at it; those of no tier are returned."""
    by_code = {row.tier.code: row for row in rows}
    general = []
    for code, told in error.errors.items():
        if code in by_code:
            by_code[code].add_error(None, list(told))
        else:
            general += told
    return general


def closed_days(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """Days on which the clinic refills nobody."""
    found = administered(request, clinic_id)
    form = ClosedDayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        tenants.close_on(clinic=found, by=user_of(request), now=timezone.now(), **form.cleaned_data)
        messages.success(request, _("Added."))
        return redirect("closed_days", clinic_id=found.pk)
    return render(request, "clinics/closed_days.html", {"clinic": found, "form": form, "days": found.closed_days.all()})


@require_POST
def open_on(request: HttpRequest, clinic_id: int, closed_id: int) -> HttpResponse:
    found = administered(request, clinic_id)
    day = get_object_or_404(ClosedDay.objects.select_related("clinic"), clinic=found, pk=closed_id)
    tenants.open_on(closed=day, by=user_of(request), now=timezone.now())
    messages.success(request, _("Removed: the clinic is open on that day again."))
    return redirect("closed_days", clinic_id=found.pk)


def go_live(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """Who would be written to and when; and the button."""
    found = administered(request, clinic_id)
    now = timezone.now()
    if request.method == "POST":
        try:
            tenants.go_live(clinic=found, now=now, by=user_of(request))
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Messages to patients are on from now."))
        return redirect("clinic", clinic_id=found.pk)
    everybody = planning.planned(found, now=now)
    context = {
        "clinic": found,
        "count": len(everybody),
        "now_count": sum(one.at <= now for one in everybody),
        "planned": everybody[:PLANNED_SHOWN],
        "now": now,
    }
    return render(request, "clinics/go_live.html", context)


def clinic_history(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """Who changed what, for administrators and auditors."""
    found = _clinic(request, clinic_id)
    if not user_of(request).access.can(Permission.AUDIT, found.pk):
        require(request, Permission.ADMINISTER, found.pk)
    rows = Change.objects.filter(clinic=found).select_related("by")
    after = paging.read_id(request.GET.get("after", ""))
    rows = rows.filter(pk__lt=after) if after is not None else rows
    page = paging.page_of(request, list(rows[: paging.PAGE_SIZE + 1]), lambda row: str(row.pk))
    return render(request, "clinics/history.html", {"clinic": found, "page": page, "changes": page.rows})
