"""Form fields for what people write: decimals with a point or a comma, times on the clinic's wall."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core import validators
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from clinical.units import plain
from clinics.validators import FIRST_YEAR, LAST_YEAR, validate_plausible
from clinics.words import calendar_day, later

NOT_A_CHOICE = gettext_lazy("Choose one of the list.")
_WITH_UNIT = re.compile(r"([-+]?[\d.,]+)\s*([a-zA-Zµμ%][\w/µμ%]{0,15})")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")


class Number(forms.DecimalField):
    """A decimal, typed on a phone's number pad. `1,5` is 1.5; `1,000` is asked about, not guessed.

    `unit` is what the number is in: a number with another unit behind it is refused, and one with this unit too, since
    a field that swallows units will swallow the wrong one.
    """

    def __init__(self, *, unit: str | Promise = "", **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)
        self.unit = unit
        self.error_messages |= {
            "invalid": later(gettext_noop("Write a number, such as 12.5, in %(unit)s."), unit=unit)
            if unit
            else gettext_lazy("Write a number, such as 12.5."),
            "max_digits": gettext_lazy("This number is too large, or too exact."),
            "max_whole_digits": gettext_lazy("This number is too large."),
            "max_decimal_places": gettext_lazy("Write at most %(max)s digits after the point."),
        }

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
            if _THOUSANDS.fullmatch(value):
                return self._ask(value)
            with_unit = _WITH_UNIT.fullmatch(value)
            if with_unit is not None and self.unit:
                raise forms.ValidationError(
                    _("Write the number alone, without %(value)s: it is in %(unit)s.")
                    % {"value": with_unit[2], "unit": self.unit}
                )
            value = value.replace(",", ".")
        return super().to_python(value)

    def _ask(self, value: str) -> Any:
        """Which number is meant by `1,000`: of its readings those that this field takes."""
        whole = value.replace(",", "")
        point = plain(Decimal(value.replace(",", "."))) if value.count(",") == 1 else ""
        readings = [reading for reading in (whole, point) if reading and self._takes(reading)]
        if not readings:
            # Refused for what it is, such as too large.
            return super().to_python(whole)
        if len(readings) == 1:
            told = _("%(value)s may be misread: write %(reading)s.") % {"value": value, "reading": readings[0]}
        else:
            told = _("%(value)s can be read in two ways: write %(whole)s or %(point)s.") % {
                "value": value,
                "whole": whole,
                "point": point,
            }
        raise forms.ValidationError(told)

    def _takes(self, reading: str) -> bool:
        try:
            self.clean(reading)
        except forms.ValidationError:
            return False
        return True

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and value < 0:
            raise forms.ValidationError(_("%(value)s cannot be negative.") % {"value": self.label or _("The number")})


class Whole(forms.IntegerField):
    """A whole number from a lowest to a highest one, typed on a phone's number pad; `of` is what it counts."""

    def __init__(self, limits: tuple[int, int], *, of: str | Promise = "", **kwargs: Any) -> None:
        lowest, highest = limits
        widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        super().__init__(min_value=lowest, max_value=highest, widget=widget, **kwargs)
        self.error_messages |= {
            "invalid": later(gettext_noop("Write a whole number of %(of)s."), of=of)
            if of
            else gettext_lazy("Write a whole number.")
        }


class WallTime(forms.TimeField):
    """A time of day on a wall, from the browser's own picker or as 14:30."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
        super().__init__(input_formats=["%H:%M", "%H:%M:%S"], widget=widget, **kwargs)
        self.error_messages |= {"invalid": gettext_lazy("Write a time of day, such as 14:30.")}


class Day(forms.DateField):
    """A calendar day, from the browser's own picker or as 2026-12-04."""

    def __init__(self, *, years: tuple[int, int] = (FIRST_YEAR, LAST_YEAR), **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)
        self.years = years
        self.error_messages |= {"invalid": gettext_lazy("Write a day as year-month-day, such as 2026-12-04.")}

    def validate(self, value: date | None) -> None:
        super().validate(value)
        first, last = self.years
        if value is not None and not first <= value.year <= last:
            raise forms.ValidationError(
                _("The year must lie between %(first)s and %(last)s.") % {"first": first, "last": last}
            )


class ClinicMoment(forms.Field):
    """A day and time on the clinic's wall, as an aware datetime in UTC. Set `zone` before use."""

    zone: ZoneInfo = ZoneInfo("UTC")

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.astimezone(self.zone).replace(tzinfo=None) if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        text = str(value).strip()
        try:
            wall = datetime.fromisoformat(text)
        except ValueError as error:
            raise forms.ValidationError(_("Write a day and time, such as 2026-12-04 14:30.")) from error
        if _is_bare_day(text):
            raise forms.ValidationError(_("Add the time of day, such as 2026-12-04 14:30."))
        if wall.tzinfo is not None:
            raise forms.ValidationError(_("Write the clinic's own time, without a timezone."))
        validate_plausible(wall)
        return self._moment(wall.replace(fold=0))

    def _moment(self, wall: datetime) -> datetime:
        """The one moment at which the wall showed this time.

        Raises:
            ValidationError: the clocks skipped it, or it happened twice.
        """
        first = wall.replace(tzinfo=self.zone)
        second = first.replace(fold=1)
        shown = _("%(time)s on %(day)s") % {"time": f"{wall:%H:%M}", "day": calendar_day(wall.date())}
        moment = first.astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None, fold=0) != wall:
            raise forms.ValidationError(
                _("%(shown)s did not exist: the clocks went forward. Enter a time an hour later.") % {"shown": shown}
            )
        if first.utcoffset() != second.utcoffset():
            raise forms.ValidationError(
                _("%(shown)s happened twice, since the clocks went back. Enter the nearest time outside that hour.")
                % {"shown": shown}
            )
        return moment


def _is_bare_day(text: str) -> bool:
    """Whether a text is a day without a time; read as midnight it would be a guess."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def speak_plainly() -> None:
    """Have Django's own fields and validators say what to do, in the words of the rest, wherever they stand."""
    forms.Field.default_error_messages["required"] = gettext_lazy("Fill this in.")
    forms.BooleanField.default_error_messages = {"required": gettext_lazy("Tick this to go on.")}
    one = {"required": gettext_lazy("Choose one."), "invalid_choice": NOT_A_CHOICE}
    several = {**one, "required": gettext_lazy("Choose at least one.")}
    forms.ChoiceField.default_error_messages |= one
    forms.ModelChoiceField.default_error_messages |= one
    forms.MultipleChoiceField.default_error_messages |= several
    forms.ModelMultipleChoiceField.default_error_messages |= {**several, "invalid_pk_value": NOT_A_CHOICE}
    validators.MinValueValidator.message = gettext_lazy("Write %(limit_value)s or more.")
    validators.MaxValueValidator.message = gettext_lazy("Write %(limit_value)s or less.")
    validators.MaxLengthValidator.message = gettext_lazy(
        "Write at most %(limit_value)s characters, not %(show_value)s."
    )
    validators.EmailValidator.message = gettext_lazy("Write an e-mail address, such as name@clinic.org.")
