"""Whole columns to and from PostgreSQL, as binary arrays: no Python object for a value, however many there are.

A query answers one row of arrays (`array_agg`), which numpy reads where it lies; what goes the other way is unnested by
the query. Moments are microseconds since 1970 in UTC, dates days since 1970; NEVER stands for a null moment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format

Column = NDArray[Any]


@dataclass(frozen=True)
class Kind:
    """A type of PostgreSQL: the oid of its values and of an array of them, numpy's name for what is sent, and what its
    zero is in numbers of ours."""

    oid: int
    array_oid: int
    sent: str
    zero: int = 0


# PostgreSQL counts from 2000.
WHOLE = Kind(20, 1016, ">i8")
SMALL = Kind(23, 1007, ">i4")
REAL = Kind(701, 1022, ">f8")
FLAG = Kind(16, 1000, ">i1")
MOMENT = Kind(1184, 1185, ">i8", 946_684_800_000_000)
DAY = Kind(1082, 1182, ">i4", 10_957)
NEVER = np.iinfo(np.int64).min
_HEADER = np.dtype([("dimensions", ">i4"), ("nulls", ">i4"), ("oid", ">i4"), ("size", ">i4"), ("from", ">i4")])


def read(sql: str, parameters: Mapping[str, Any], kinds: Sequence[Kind]) -> list[Column]:
    """The columns of a query that answers one row of arrays without nulls, of these kinds; empty ones without rows."""
    cursor = _cursor()
    cursor.execute(sql, parameters, binary=True)
    result = cursor.pgresult
    if result is None:
        raise ValueError("the query has no answer")
    return [_unpacked(result.get_value(0, place), kind) for place, kind in enumerate(kinds)]


def rows(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a query, for what is not numbers."""
    return _cursor().execute(sql, parameters).fetchall()


def _unpacked(value: bytes | None, kind: Kind) -> Column:
    width = np.dtype(kind.sent)
    if value is None:
        return np.zeros(0, dtype=width.newbyteorder("="))
    cells = np.frombuffer(value, dtype=[("length", ">i4"), ("value", width)], offset=_HEADER.itemsize)["value"]
    own = cells.astype(width.newbyteorder("="))
    if kind.zero:
        # The ends of time, infinite in PostgreSQL, stay what they are.
        own = np.where(own == np.iinfo(own.dtype).min, own, own + kind.zero)
    return own


class _Array(bytes):
    """A column as PostgreSQL reads it."""

    oid: int


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def get_key(self, obj: Any, format: Any) -> Any:
        return (self.cls, obj.oid)

    def upgrade(self, obj: Any, format: Any) -> Dumper:
        dumper = type(self)(self.cls)
        dumper.oid = obj.oid
        return dumper

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


def pack(values: Column, kind: Kind) -> _Array:
    """A column as a query parameter."""
    width = np.dtype(kind.sent)
    if kind.zero:
        values = np.where(values == NEVER, NEVER, values - kind.zero)
    cells = np.zeros(len(values), dtype=[("length", ">i4"), ("value", width)])
    cells["length"], cells["value"] = width.itemsize, values
    header = np.array([(1, 0, kind.oid, len(values), 1)], dtype=_HEADER)
    packed = _Array(header.tobytes() + cells.tobytes())
    packed.oid = kind.array_oid
    return packed


def write(sql: str, parameters: Mapping[str, Any]) -> int:
    """Run a statement with packed columns; returns the rows it wrote."""
    cursor = _cursor()
    cursor.execute(sql, parameters)
    return cursor.rowcount


def _cursor() -> psycopg.Cursor[Any]:
    """Django's own cursors put parameters into the text of a query; this one sends them beside it."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.adapters.register_dumper(_Array, _ArrayDumper)
    return cursor
