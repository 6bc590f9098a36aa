from collections.abc import Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import DataError, models
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

Table = TypeVar("Table", bound=models.Model)
Row = TypeVar("Row")


class Cursor(CursorPagination):
    """`results` and `next`; a page's size by `?page_size=`, at most 500. Ordered by the view's `cursor_ordering`."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 500
    ordering: str | tuple[str, ...] = "pk"
    # Rows that share a position (all unknown refill dates do) are told apart by an offset of any length.
    offset_cutoff = 1_000_000

    def paginate_queryset(
        self, queryset: QuerySet[Table, Row] | Sequence[Row], request: Request, view: APIView | None = None
    ) -> list[Row] | None:
        """A page. A cursor whose position the ordering's column cannot hold is as invalid as any other: 404."""
        if self.cursor_query_param not in request.query_params:
            return super().paginate_queryset(queryset, request, view)
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, OverflowError, ValidationError, DataError) as error:
            raise NotFound(self.invalid_cursor_message) from error

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }
