"""What an implanted pump does in an MRI scanner, said before a scan is recorded.

Source: clinical-rules, section 2 (pump stopped, MRI): MRI guidance, TGA, manuals.
"""

from clinical.saying import say

SOURCE = say("MRI guidance, TGA, manuals")
_WORDS = {
    "stalls": (
        say(
            "The motor stalls in the scanner, and can take 2 to 24 hours to recover. Interrogate the "
            "pump after the scan, and again if the recovery is not in its log."
        )
    ),
    "empty-first": say("This model must be emptied before a scan and filled again after it."),
}
_UNCONFIRMED = say("What this model does in a scanner is not confirmed: look it up in the manual before a scan.")


def in_scanner(behaviour: str) -> tuple[str, bool]:
    """What a pump of the catalogue's behaviour (stalls, empty-first, verify) does, and whether that is confirmed."""
    return _WORDS.get(behaviour, _UNCONFIRMED), behaviour in _WORDS
