"""Who entered what."""

from __future__ import annotations

from typing import Any

from django.db import models

from clinics.models import User


def by_user(related_name: str = "+", **kwargs: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(User, on_delete=models.PROTECT, related_name=related_name, **kwargs)
