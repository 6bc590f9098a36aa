"""Visits of a pump's patient."""

from datetime import datetime


def mark_missed(now: datetime) -> int:
    """How many did not come."""
    return 0
