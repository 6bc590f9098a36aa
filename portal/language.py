"""In which language somebody reads these pages."""

from pathlib import Path

from django.conf import settings
from django.utils.translation import to_locale

# What the pages are written in.
OWN = "en"


def spoken(code: str) -> str:
    """The language itself where Brim's own words are translated into it, else English.

    Django knows the names of days in many more, and a page half in each is harder to read than one in English.
    """
    locale = to_locale(code.strip().lower())
    for found in (locale, locale.partition("_")[0]):
        if found.isidentifier() and any((Path(path) / found).is_dir() for path in settings.LOCALE_PATHS):
            return found.replace("_", "-").lower()
    return OWN
