"""Keyset pages: the next page starts behind the last row seen, so no page is slower than the first and none counts."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.http import HttpRequest

PAGE_SIZE = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and the query strings of the first and the next page; empty where there is none."""

    rows: Sequence[T]
    first: str
    next: str


def page_of(
    request: HttpRequest, found: Sequence[T], position: Callable[[T], str], *, size: int | None = None
) -> Page[T]:
    """A page of `found`, which was asked for one row more than the page's `size` (`PAGE_SIZE` where none is said)."""
    size = PAGE_SIZE if size is None else size
    rows = found[:size]
    is_more = len(found) > size
    return Page(
        rows=rows,
        first=_query(request, None) if request.GET.get("after") else "",
        next=_query(request, position(rows[-1])) if is_more else "",
    )


def _query(request: HttpRequest, after: str | None) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    if after is not None:
        query["after"] = after
    return "?" + query.urlencode()


def written_ranked(rank: int, moment: datetime, pk: int) -> str:
    """A position by rank, then moment and id."""
    return f"{rank}-{written(moment, pk)}"


def read_ranked(after: str) -> tuple[int, datetime, int] | None:
    """The position in `?after=` of a list by rank; None at the start or where it is not one."""
    rank, _, rest = after.partition("-")
    position = read(rest)
    if position is None or not (rank.isascii() and rank.isdigit() and len(rank) == 1):
        return None
    return int(rank), *position


def written(moment: datetime, pk: int) -> str:
    """A position by moment and id, as `?after=` carries it."""
    return f"{(moment - _EPOCH) // timedelta(microseconds=1)}-{pk}"


def read(after: str) -> tuple[datetime, int] | None:
    """The position in `?after=`; None at the start or where it is not one."""
    match = _POSITION.fullmatch(after)
    if match is None:
        return None
    return _EPOCH + timedelta(microseconds=int(match[1])), int(match[2])


def read_id(after: str) -> int | None:
    """The id in `?after=` of a list in the order of ids."""
    return int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None
