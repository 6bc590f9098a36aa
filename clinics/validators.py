from datetime import date
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinics.words import later

# No pump is older, and no date of a pump's life lies further ahead: any other year is a slip.
FIRST_YEAR, LAST_YEAR = 1950, 2200
# Names in the system's list that are no timezone of any place.
NO_PLACES = {"Factory", "localtime"}
OUT_OF_RANGE = later(
    gettext_noop("The year must lie between %(first)s and %(last)s."), first=FIRST_YEAR, last=LAST_YEAR
)


def timezones() -> list[str]:
    """What a clinic may choose: places by continent, and UTC; no names such as `Factory`, `localtime` or `EST`."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith("Etc/")}
    return sorted({*places, "UTC"})


def validate_timezone(name: str) -> None:
    if name not in available_timezones() or name in NO_PLACES:
        raise ValidationError(
            _("%(name)s is not a timezone; use a name such as Europe/London.") % {"name": repr(name)}, code="timezone"
        )


def is_plausible(day: date) -> bool:
    """Whether a day can be about a pump."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def validate_plausible(day: date) -> None:
    if not is_plausible(day):
        raise ValidationError(OUT_OF_RANGE, code="range")
