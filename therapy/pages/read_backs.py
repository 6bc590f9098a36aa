"""What pages of proposals and tapers share: reading back from a pump, and findings in words."""

from collections.abc import Callable, Iterable, Mapping

from clinical.findings import Finding
from clinical.reading_back import WORDS, Settings
from pumps.pages.words import SEVERITY_WORDS
from therapy.forms.proposals import ReadBackForm
from therapy.pages.access import tried


def with_words(findings: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Findings as a page shows them."""
    return [{**finding, "word": str(SEVERITY_WORDS[finding["severity"]])} for finding in findings]


def asked_of(signed: Settings) -> list[str]:
    """What has to be read off the programmer."""
    return [name for name in WORDS if getattr(signed, name) is not None]


def read_off(form: ReadBackForm) -> Settings:
    return Settings(mode=form.cleaned_data["mode"], **{name: form.cleaned_data.get(name) for name in WORDS})


def fits(form: ReadBackForm, confirm: Callable[[], Mapping[str, Finding]]) -> bool:
    """Whether the pump shows what was signed; what differs, or stands in the way, is said at the form."""
    differing: dict[str, Finding] = {}
    if not tried(form, lambda: differing.update(confirm())):
        return False
    for field, finding in differing.items():
        form.add_error(field, finding.message)
    return not differing
