from rest_framework.pagination import CursorPagination


class Cursor(CursorPagination):
    """`results` and `next`; a page's size by `?page_size=`, at most 500. Ordered by the view's `cursor_ordering`."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 500
    ordering: str | tuple[str, ...] = "pk"
    # Rows that share a position (all unknown refill dates do) are told apart by an offset of any length.
    offset_cutoff = 1_000_000
