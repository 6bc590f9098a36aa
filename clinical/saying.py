"""Sentences with values in them, made in such a way that they can be found again and said in another language.

What is made here is English and stays so: in the database, in the API, in a forecast that is computed anew. Pages show
it in the reader's language by `clinics/sentences.py`, which knows every template that stands in a call of `say`.
"""


def say(template: str, **values: object) -> str:
    """The template with its values: `say("At most %(hours)s h.", hours=24)`. A percent sign is written `%%`."""
    return template % values
