"""A clock that tests move: a course of therapy takes months."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.builders import NOW


class Clock:
    """What `timezone.now()` answers, from NOW on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now: datetime = NOW
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)
