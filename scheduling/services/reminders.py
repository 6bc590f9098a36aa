"""Reminders of visits."""

from datetime import datetime


def write_due(now: datetime) -> int:
    """How many were written."""
    return 0
