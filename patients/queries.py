from __future__ import annotations

import re
from typing import Self

from django.contrib.postgres.search import SearchQuery

from clinics.queries import ClinicOwned, Row


class PatientQuerySet(ClinicOwned[Row]):
    def matching(self, text: str) -> Self:
        """Patients with every word of `text` beginning a word of name, mrn or phone."""
        words = re.findall(r"\w+", text)
        if not words:
            return self.none()
        query = SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
        return self.filter(search=query)
