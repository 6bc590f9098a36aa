"""What somebody who feels unwell sent. Lenient, since a report is never turned away for its form."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import QueryDict

from clinical.saying import say
from clinical.symptoms import BY_CODE
from portal.words import SINCES

# So that what they wrote and what they chose fit into a report's note together.
LONGEST_TEXT = 300
IN_ANOTHER_WAY = "unwell"


@dataclass(frozen=True)
class Unwell:
    """Signs that are in the list, when it began at the earliest, and a note for staff."""

    symptoms: frozenset[str]
    began_at: datetime
    note: str
    text: str
    since: str
    who: str


def unwell_of(sent: QueryDict, now: datetime) -> Unwell:
    """What is not in the lists counts as not said. Words alone are a sign too: unwell in another way."""
    symptoms = frozenset(sent.getlist("symptoms")) & frozenset(BY_CODE)
    text = " ".join(sent.get("text", "").replace("\x00", " ").split())[:LONGEST_TEXT]
    since = next((one for one in SINCES if one.code == sent.get("since")), None)
    who = "other" if sent.get("who") == "other" else "me"
    parts = [f"began: {since.words.lower() if since is not None else 'not said'}"]
    if who == "other":
        parts.append(say("written for the patient by somebody else"))
    if text:
        parts.append(say("in their words: %(text)s", text=text))
        symptoms = symptoms or frozenset({IN_ANOTHER_WAY})
    began_at = now - (since.at_most if since is not None else timedelta(0))
    return Unwell(symptoms, began_at, "; ".join(parts), text, since.code if since is not None else "", who)
