"""What stays on a device for when there is no connection: the static files and one page, which holds no patient."""

import hashlib
import json
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from clinics.models import User

PAGE = "offline/page.html"
SCRIPT = Path(__file__).with_name("sw.js")
# So long a page may take, in ms, before the one that is kept comes in its place; the slowest takes a few seconds.
PATIENCE = 20_000
LIBRARIES = ("bootstrap/css/bootstrap.min.css", "htmx/htmx.min.js")


@login_not_required
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The page for when there is no connection, in the reader's language and look, and without a word about anybody:
    it is made without the request, so that nothing of a navigation or a banner can get into it."""
    look = request.user.look if isinstance(request.user, User) else ""
    return HttpResponse(render_to_string(PAGE, {"user": {"look": look}}))


@login_not_required
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, at the root since it answers for all pages of the staff."""
    known = {"KEPT": f"brim-{_version()}", "FILES": _files(), "PAGE": reverse("offline"), "PATIENCE": PATIENCE}
    script = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items()) + SCRIPT.read_text()
    headers = {"Service-Worker-Allowed": "/", "Cache-Control": "no-cache"}
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers=headers)


@cache
def _files() -> list[str]:
    own = sorted(path.name for path in (settings.BASE_DIR / "static" / "brim").iterdir() if path.is_file())
    return [static(name) for name in (*LIBRARIES, *(f"brim/{name}" for name in own if not name.startswith("portal")))]


@cache
def _version() -> str:
    """Another one whenever a static file, the page in any language, or the worker changes: the files' addresses carry a
    hash of what is in them."""
    parts = [*_files(), SCRIPT.read_text()]
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            parts.append(render_to_string(PAGE, {"user": {"look": ""}}))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
