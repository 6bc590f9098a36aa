from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from clinics.queries import ClinicOwned, Row

if TYPE_CHECKING:
    from clinics.models import User

# Of several words the one with the fewest matches leads; beyond so many they are not counted.
COUNTED = 10_000


class PatientQuerySet(ClinicOwned[Row]):
    def by_name(self) -> Self:
        return self.order_by("family_name", "given_name", "pk")


class SearchWordQuerySet(ClinicOwned[Row]):
    def patients(self, text: str, user: User, most: int) -> list[int]:
        """Ids of the user's patients with every word of `text` beginning a word of theirs; none for a blank.

        At most `most` of them, found in one range of one index and told apart by probes into another, however large
        the fleet and however common the word. The order is the index's, and what is asked of a row is a subquery of
        it: with neither, PostgreSQL may prefer to read the whole table until it has met enough.
        """
        words = self._apart(text)
        if not words:
            return []
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


class ContactQuerySet(QuerySet[Row]):
    def standing(self) -> Self:
        return self.filter(ended_at=None)


class TransferQuerySet(QuerySet[Row]):
    def open(self, now: datetime) -> Self:
        """Offers that can still be accepted."""
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)
