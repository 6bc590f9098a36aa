from zoneinfo import available_timezones

from django.core.exceptions import ValidationError


def validate_timezone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is not a timezone; use a name such as Europe/London.", code="timezone")
