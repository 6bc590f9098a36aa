"""Everything that is due, a batch a transaction; of a batch that breaks, each by itself."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import QuerySet

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=models.Model)


def act_on_due(due: QuerySet[Row], act: Callable[[Sequence[Row]], None], *, size: int, broke: str) -> int:
    """Act on the rows of `due`, which are due no more once they were acted on; returns how many there were.

    In steps: (1) claim up to `size` of them with SKIP LOCKED, so that two rounds at once have different ones; (2) act
    on them; (3) commit; again until none is left. A crash before 3 leaves them due. So does an error, of the row alone
    that breaks: it holds up no other, `broke` is logged with its key, and the engine's health counts it as late.
    """
    total = 0
    broken: set[Any] = set()
    while True:
        with transaction.atomic():
            rows = list(due.exclude(pk__in=broken).select_for_update(skip_locked=True, of=("self",))[:size])
            if not rows:
                return total
            total += len(rows)
            try:
                with transaction.atomic():
                    act(rows)
            except Exception:  # noqa: BLE001  logged row by row below
                broken |= _one_by_one(due, [row.pk for row in rows], act, broke)


def _one_by_one(due: QuerySet[Row], keys: Sequence[Any], act: Callable[[Sequence[Row]], None], broke: str) -> set[Any]:
    """The keys of those that break."""
    broken = set()
    for key in keys:
        try:
            with transaction.atomic():
                act([due.get(pk=key)])
        except Exception:  # the tick's edge: whatever it is, the others go on
            logger.exception("%s: %s", broke, key)
            broken.add(key)
    return broken
