from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import template
from django.forms import BoundField
from django.forms.boundfield import BoundWidget
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext

from clinical.units import plain as plain_decimal
from clinics import saying, words
from clinics.fields import ClinicMoment
from clinics.homes import Home, homes_of
from clinics.models import User
from clinics.roles import Permission, in_words

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

register = template.Library()


@register.filter
def day(moment: datetime | None, zone: ZoneInfo) -> str:
    """The day of a moment on the clinic's calendar."""
    return words.day(moment, zone) if moment is not None else ""


@register.filter
def moment(value: datetime | None, zone: ZoneInfo) -> str:
    """Day and time on the clinic's wall."""
    return words.moment_words(value, zone) if value is not None else ""


@register.filter
def clock(value: datetime, zone: ZoneInfo) -> str:
    """The time of day on the clinic's wall."""
    return f"{value.astimezone(zone):%H:%M}"


@register.filter
def calendar_day(value: date | None) -> str:
    return words.calendar_day(value) if value is not None else ""


@register.filter
def short_day(value: date | None) -> str:
    """A day without its weekday."""
    return words.short_day(value) if value is not None else ""


@register.filter
def utc(value: datetime) -> str:
    """Day and time where no clinic's clock is meant, with the zone."""
    return f"{words.short_day(value.astimezone(UTC).date())}, {value.astimezone(UTC):%H:%M} UTC"


@register.filter
def plain(value: Decimal | None) -> str:
    """A decimal without trailing zeros; nothing for None."""
    return plain_decimal(value) if value is not None else ""


@register.filter
def figure(value: Decimal | None) -> str:
    """A computed number to six significant digits, without an exponent."""
    return plain_decimal(Decimal(f"{value:.6g}")) if value is not None else ""


@register.filter
def said(text: "str | StrPromise") -> str:
    """A sentence that is kept in English, in the reader's language; marked as English where it can only be that."""
    if not isinstance(text, str):
        # Translated by itself when it is read.
        return str(text)
    if not text or saying.is_english() or saying.is_known(text):
        return saying.said(text)
    return format_html('<span lang="en">{}</span>', text)


@register.filter
def said_plain(text: "str | StrPromise") -> str:
    """As `said`, within an attribute or a heading that takes no mark."""
    return saying.said(text) if isinstance(text, str) else str(text)


@register.filter
def said_list(texts: Sequence[str]) -> str:
    """Several reasons in a row, in the reader's language."""
    return saying.said_list(texts)


@register.filter
def tel(phone: str) -> str:
    """What a telephone can dial of a number as written."""
    return "".join(sign for sign in phone if sign.isdigit() or sign == "+")


@register.filter
def roles(user: User) -> str:
    """The user's roles in words, wherever they hold."""
    access = user.access
    held = access.everywhere.union(*access.by_clinic.values())
    return capfirst(in_words(sorted(held))) or gettext("No role yet")


@register.filter
def roles_words(roles: Iterable[str]) -> str:
    """Roles by their codes, in words."""
    return in_words(roles)


@register.filter
def homes(user: User) -> list[Home]:
    """Where the person's roles begin, their own home first."""
    return homes_of(user)


@register.filter
def sees_clinical(user: User) -> bool:
    """Whether the user sees clinical data of any clinic."""
    return user.access.can_somewhere(Permission.SEE_CLINICAL)


@register.filter
def signs_doses(user: User) -> bool:
    """Whether the user signs doses in any clinic."""
    return user.access.can_somewhere(Permission.SIGN_DOSE)


CSS = {"select": "form-select", "checkbox": "form-check-input"}


@register.filter
def field(bound: BoundField, css: str = "") -> str:
    """A form's input with its Bootstrap class, its error state, and its help and errors named to screen readers."""
    css = css or CSS.get(bound.widget_type, "form-control")
    described = [f"{bound.auto_id}_error"] if bound.errors else []
    if bound.help_text:
        described.append(f"{bound.auto_id}_help")
    attributes: dict[str, str | bool] = {"class": f"{css} is-invalid" if bound.errors else css}
    if bound.errors:
        attributes["aria-invalid"] = "true"
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if isinstance(bound.field, ClinicMoment):
        attributes["data-zone"] = str(bound.field.zone)
    return bound.as_widget(attrs=attributes)


@register.filter
def choice(part: BoundWidget) -> str:
    """One checkbox or radio button of a list."""
    part.data["attrs"] = {**part.data["attrs"], "class": "form-check-input"}
    return part.tag()


@register.filter
def field_words(name: str) -> str:
    """A field's name as people say it."""
    return name.replace("_", " ")


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    return mapping.get(key)
