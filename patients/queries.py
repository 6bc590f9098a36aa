from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from clinics.queries import ClinicOwned, Row

if TYPE_CHECKING:
    from clinics.models import User

# Of several words the one with the fewest matches leads; beyond so many they are not counted.
COUNTED = 10_000
# From so many digits on a number may be the end of a phone number; from so many it may be one as dialled at home, with
# zeros before it that are not dialled from abroad.
LAST_DIGITS, AT_HOME = 4, 7
# Nothing but digits and what is written between those of a phone number.
PHONE = re.compile(r"[\d\s()+./-]+", re.ASCII)


class PatientQuerySet(ClinicOwned[Row]):
    def by_name(self) -> Self:
        return self.order_by("family_name", "given_name", "pk")


class SearchWordQuerySet(ClinicOwned[Row]):
    def patients(self, text: str, user: User, most: int) -> list[int]:
        """Ids of the user's patients with every word of `text` beginning a word of theirs; none for a blank.

        A number is also looked for at the end of their phone numbers. At most `most` of them.
        """
        found: dict[int, None] = {}
        for words in self._readings(text):
            found |= dict.fromkeys(self._with_all(words, user, most))
        return list(found)[:most]

    def among(self, ids: Collection[int], text: str) -> set[int]:
        """Those of some patients with every word of `text` beginning a word of theirs."""
        left = set(ids)
        for word in self._apart(text):
            having = self.filter(patient__in=left, word__startswith=word)
            left = set(having.values_list("patient", flat=True)) if left else left
        return left

    def _readings(self, text: str) -> Iterator[list[str]]:
        """The words of a text; and, where it is or holds a number, what they are if that ends a phone number."""
        words = self._apart(text)
        if not words:
            return
        yield words
        if PHONE.fullmatch(text):
            number = "".join(sign for sign in text if sign.isdigit())
            if words != [number]:
                yield [number]
            if len(number) >= LAST_DIGITS:
                yield [_from_the_end(number)]
            return
        for place, word in enumerate(words):
            if word.isascii() and word.isdigit() and len(word) >= LAST_DIGITS:
                yield [*words[:place], _from_the_end(word), *words[place + 1 :]]
                return

    def _with_all(self, given: Sequence[str], user: User, most: int) -> list[int]:
        """Ids of at most `most` of the user's patients who have a beginning of each word.

        Found in one range of one index and told apart by probes into another, however large the fleet and however
        common the word. The order is the index's, and what is asked of a row is a subquery of it: with neither,
        PostgreSQL may prefer to read the whole table until it has met enough.
        """
        words = list(given)
        ranges = [self._range(word, user) for word in words]
        if len(words) > 1:
            counts = [matches[:COUNTED].count() for matches in ranges]
            lead = counts.index(min(counts))
            words.insert(0, words.pop(lead))
            ranges.insert(0, ranges.pop(lead))
        own = self.model._default_manager.filter(patient=OuterRef("patient")).order_by("word").values("word")
        # A patient with several words that begin so counts at the first.
        found = ranges[0].filter(word__lte=Subquery(own.filter(word__startswith=words[0])[:1]))
        for number, word in enumerate(words[1:]):
            other = f"other_{number}"
            found = found.alias(**{other: Subquery(own.filter(word__startswith=word)[:1])})
            found = found.filter(**{f"{other}__isnull": False})
        return list(found.values_list("patient", flat=True)[:most])

    def _range(self, word: str, user: User) -> Self:
        """The user's rows that begin so, in the order of the index that has them side by side."""
        by_clinic = () if user.access.clinic_ids is None else ("clinic_id",)
        return self.visible_to(user).filter(word__startswith=word).order_by(*by_clinic, "word", "patient_id")

    def _apart(self, text: str) -> list[str]:
        """The words of a text, taken apart as the stored ones are."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT patients_words(%s)", [text])
            [(words,)] = cursor.fetchall()
        return list(words)


# So many of a person's newest viewings are gone through for the patients they opened last.
LOOKED_BACK = 200


class ViewingQuerySet(ClinicOwned[Row]):
    def newest_first(self) -> Self:
        return self.order_by("-at", "-pk")

    def patients_of(self, user: User, most: int) -> list[int]:
        """Ids of the patients whose pages the user opened last, the latest first."""
        rows = self.filter(user=user.pk, key=None).newest_first().values_list("patient", flat=True)[:LOOKED_BACK]
        return list(dict.fromkeys(pk for pk in rows if pk is not None))[:most]


def _from_the_end(number: str) -> str:
    """How the end of a phone number begins, as it is stored from its end."""
    dialled = number.lstrip("0") if len(number) >= AT_HOME else number
    return f"<{dialled[::-1]}"


class ContactQuerySet(QuerySet[Row]):
    def standing(self) -> Self:
        return self.filter(ended_at=None)


class TransferQuerySet(QuerySet[Row]):
    def open(self, now: datetime) -> Self:
        """Offers that can still be accepted."""
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)
