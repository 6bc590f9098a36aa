from __future__ import annotations

from collections.abc import Collection
from typing import Self

from clinics.queries import ClinicOwned, Row
from scheduling.states import STANDING


class AppointmentQuerySet(ClinicOwned[Row]):
    def standing(self) -> Self:
        """Still to come, or going on: at most one a pump."""
        return self.filter(state__in=STANDING)

    def of_pumps(self, pump_ids: Collection[int]) -> dict[int, Row]:
        """The standing appointment of each pump that has one. One query."""
        return {row.pump_id: row for row in self.standing().filter(pump__in=pump_ids)}  # type: ignore[attr-defined]  # a row is an Appointment
