"""The sounds as files that a browser keeps for a day. Old phones play only what they may fetch in parts."""

import hashlib
import re

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import etag, require_safe

from portal.sounds import ONE_TONE, TWO_TONES, Note, sound

RANGE = re.compile(r"bytes=([0-9]{0,9})-([0-9]{0,9})")


def _tag(request: HttpRequest, notes: tuple[Note, ...]) -> str:
    return f'"{hashlib.sha256(sound(notes)).hexdigest()[:16]}"'


@login_not_required
@require_safe
def one_tone(request: HttpRequest) -> HttpResponse:
    return _file(request, ONE_TONE)


@login_not_required
@require_safe
def two_tones(request: HttpRequest) -> HttpResponse:
    return _file(request, TWO_TONES)


@etag(_tag)
def _file(request: HttpRequest, notes: tuple[Note, ...]) -> HttpResponse:
    data = sound(notes)
    part = _part(request.headers.get("Range", ""), len(data))
    response = HttpResponse(data if part is None else data[part], content_type="audio/wav")
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "public, max-age=86400"
    if part is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
    return response


def _part(asked: str, length: int) -> slice | None:
    """The one range asked for; the whole where none is, or none that can be given."""
    found = RANGE.fullmatch(asked)
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        return slice(max(length - int(found[2]), 0), length) if int(found[2]) else None
    start, last = int(found[1]), int(found[2] or length - 1)
    return slice(start, min(last + 1, length)) if start <= last and start < length else None
