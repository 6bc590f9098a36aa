from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error
from django.db import connections


def no_demo_accounts(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Demo accounts have a published password. Nobody can log in with them outside the demo; production has none.

    On one machine, a data folder that once held the demo may be started without it.
    """
    if settings.LOCAL or not databases or "default" not in databases:
        return []
    user_model = get_user_model()
    if user_model._meta.db_table not in connections["default"].introspection.table_names():
        return []
    count = user_model.objects.filter(is_demo=True).count()
    if not count:
        return []
    return [
        Error(
            f"The database holds {count} demo accounts, whose password is published.",
            hint="Use a database that was never started with the demo.",
            id="interop.E001",
        )
    ]
