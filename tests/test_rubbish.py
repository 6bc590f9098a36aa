"""Every form and every call of the API, given rubbish: a clear error at the field, nothing stored, never a 500."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pytest
from allauth.mfa.models import Authenticator
from django import forms
from django.apps import apps
from django.core.cache import cache
from django.db import connection, transaction
from django.forms.formsets import ManagementForm
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from clinics.models import User
from clinics.roles import Role
from clinics.services.keys import issue_api_key
from pumps.models import Pump
from pumps.services.kinds import FORMS
from tests.builders import a_user
from tests.test_routes import ROUTES, address, read, theirs

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"
MEGABYTE = "9" * 1_000_000
RUBBISH = {
    "missing": "",
    "negative": "-1",
    "huge": "1e400",
    "not a number": "forty",
    "wrong unit": "40 mg/h",
    "wrong timezone": "2026-11-20T10:00:00+99:00",
    "script": SCRIPT,
    "nothing but zeros": "\x00\x00",
    "one megabyte": MEGABYTE,
}
# A call of the API: its path, method and the fields of its body.
Call = tuple[str, str, Mapping[str, Any]]
One = TypeVar("One")
ROWS = {"DownRow", "RowForm"}
# Its form belongs to django-allauth, or it takes no values of its own: it is asked all the same, for a 500.
WORDS = (forms.CharField, forms.BooleanField)


def snapshot() -> dict[str, str]:
    """What is stored, as one digest per table."""
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.app_label in OURS]
    with connection.cursor() as cursor:
        digests = {}
        for table in tables:
            cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM {table} t")  # noqa: S608
            [digests[table]] = cursor.fetchone()
    return digests


OURS = {"clinics", "patients", "pumps", "alerts", "interop", "scheduling", "therapy", "portal"}


def an_administrator(pump: Pump) -> User:
    """Who signs doses as well: there is no form they do not see."""
    user: User = pump.clinic.memberships.get(role=Role.ADMINISTRATOR).user
    pump.clinic.memberships.create(user=user, role=Role.PRESCRIBER.value)
    return user


def in_browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="clinics.backends.EmailBackend")
    client.get("/")
    return client


def forms_of(response: Any) -> dict[type, forms.BaseForm]:
    """The forms of a page by their kind."""
    found: dict[type, forms.BaseForm] = {}
    layers = response.context or []
    # Of one template alone there is one context, and no list of them.
    for layer in layers if isinstance(layers, list) else [layers]:
        for part in layer:
            found |= {type(value): value for value in part.values() if isinstance(value, forms.BaseForm)}
    return found


def values_of(form: forms.BaseForm) -> dict[str, Any]:
    """What a browser sends back of a form as it was shown."""
    values = {}
    for bound in form:
        value = bound.value()
        if value not in (None, False):
            values[bound.html_name] = value
    return values


PAGES = sorted(route for route in ROUTES if not route.startswith(("api/", "health/", "password/")))
ASKED = [route for route in ROUTES if not route.startswith("password/")]


def together(asked: Sequence[One]) -> list[list[One]]:
    """A dozen at a time, which share the clinic they are asked about."""
    return [list(asked[start : start + 12]) for start in range(0, len(asked), 12)]


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """What is done within it is as if it had not been."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    cache.clear()


def pages_of(route: str, ids: Mapping[str, str]) -> list[str]:
    kinds = list(FORMS) if "<slug:kind>" in route else [""]
    return [address(route, {**ids, "kind": kind}) for kind in kinds]


@pytest.mark.parametrize("routes", together(PAGES), ids=lambda routes: routes[0] or "home")
def test_a_form_refuses_rubbish_at_its_field(routes: list[str]) -> None:
    pump, ids = theirs()
    administrator, of_all = an_administrator(pump), a_user(Role.ADMINISTRATOR)
    Authenticator.objects.all().delete()  # a passkey by its name only
    for route in routes:
        with undone():
            client = in_browser(of_all if route == "clinics/new/" else administrator)
            for url in pages_of(route, ids):
                check_page(client, url)


def check_page(client: Client, url: str) -> None:
    with read(client.get(url)) as page:
        assert page.status_code < 500, url
        shown = forms_of(page)
    before = snapshot()
    for form in shown.values():
        if url == "/imports/":
            continue  # files, which are the import's own tests
        if url.startswith("/account/") or isinstance(form, ManagementForm):
            continue  # django-allauth's and Django's own
        if type(form).__name__ in ROWS:
            continue  # of a table, and nothing without it
        for names, kind in rubbish_for(form):
            check_fields(client, url, form, names, kind)
    assert snapshot() == before, url


def rubbish_for(form: forms.BaseForm) -> Iterator[tuple[Sequence[str], str]]:
    """Which fields are sent which rubbish together.

    Each once alone, since what a form checks of several has to bear any that is missing. What is wrong with one is the
    same to the others, so each kind goes to all at once; a megabyte to one of each class, since a request has an end.
    """
    for name, field in form.fields.items():
        if refused := [kind for kind in RUBBISH if is_refused(field, kind)]:
            yield [name], refused[0]
    for kind in RUBBISH:
        names = [name for name, field in form.fields.items() if is_refused(field, kind)]
        if kind == "one megabyte":
            yield from (([name], kind) for name in {type(form.fields[name]): name for name in names}.values())
        elif names:
            yield names, kind


def is_refused(field: forms.Field, kind: str) -> bool:
    """Whether a field has to refuse this. Free text may be anything that is neither too long nor missing."""
    if field.disabled or isinstance(field, forms.BooleanField) or (kind == "missing" and not field.required):
        return False
    is_free = isinstance(field, WORDS) and type(field) in {forms.CharField, forms.BooleanField}
    return (
        not is_free
        or kind == "nothing but zeros"
        or (kind == "one megabyte" and bool(getattr(field, "max_length", None)))
    )


def check_fields(client: Client, url: str, form: forms.BaseForm, names: Sequence[str], kind: str) -> None:
    """These fields with one kind of rubbish, the rest as it was shown."""
    sent = {**values_of(form), **{form.add_prefix(name): RUBBISH[kind] for name in names}}
    answer = client.post(url, sent)
    assert answer.status_code == 200, f"{url}, {names}, {kind}: {answer.status_code}"
    errors = [found.errors for found in forms_of(answer).values() if type(found) is type(form)]
    for name in names:
        assert any(name in found for found in errors), f"{url}, {name}, {kind}: {errors}"
    assert SCRIPT not in answer.text


@pytest.mark.parametrize("routes", together(ASKED), ids=lambda routes: routes[0])
def test_no_address_breaks_on_a_body_that_is_none(routes: list[str]) -> None:
    pump, ids = theirs()
    user = an_administrator(pump)
    Authenticator.objects.all().delete()  # a passkey by its name only
    key = issue_api_key(user=user)
    program = Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)
    browser = in_browser(user)
    for route in routes:
        with undone():
            if route.startswith("api/"):
                ask_program(program, address(route, ids))
            else:
                browser.force_login(user, backend="clinics.backends.EmailBackend")  # the last page may have ended it
                ask_page(browser, address(route, ids))


def ask_program(client: Client, url: str) -> None:
    bodies = [b"", b"\x00\xff", b"[]", b'"x"', b"{", b'{"reason": {"a": [1]}}', b"[" * 5000, MEGABYTE.encode()]
    for body in bodies:
        for ask in (client.post, client.put, client.patch):
            answered(ask(url, data=body, content_type="application/json"), f"{url} {body[:20]!r}")
    for query in ("?q=%00", "?cursor=x", "?page=-1", "?limit=x", "?q=" + "x" * 10_000, "?date=soon"):
        answered(client.get(url + query), f"{url}{query}")


def ask_page(client: Client, url: str) -> None:
    """A page reads forms alone."""
    for body in (b"", b"\x00\xff=%00&reason=%ff", MEGABYTE.encode()):
        answered(client.post(url, data=body, content_type="application/x-www-form-urlencoded"), f"{url} {body[:20]!r}")
    for query in ("?q=%00&page=-1&date=soon", f"?q={'x' * 10_000}&cursor=x&limit=x&since=%00"):
        answered(client.get(url + query), f"{url}{query}")


def answered(response: Any, asked: str) -> None:
    with read(response) as answer:
        assert answer.status_code < 500, asked


def calls() -> Iterator[Call]:
    """Every call of the API that takes a body."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    components = schema["components"]["schemas"]
    for path, methods in schema["paths"].items():
        for method, call in methods.items():
            content = call.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema", {})
            body = components[body["$ref"].rpartition("/")[2]] if "$ref" in body else body
            if body.get("properties"):
                yield path, method, resolved(body, components)


def resolved(body: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    fields = {}
    for name, field in body["properties"].items():
        for part in [field, *field.get("allOf", ()), *field.get("oneOf", ())]:
            if "$ref" in part:
                field = {**components[part["$ref"].rpartition("/")[2]], **field}
        fields[name] = {**field, "required": name in body.get("required", ())}
    return fields


CALLS = list(calls())


@pytest.mark.parametrize("asked", together(CALLS), ids=lambda asked: asked[0][0])
def test_a_call_refuses_rubbish_at_its_field(asked: list[Call]) -> None:
    pump, ids = theirs()
    key = issue_api_key(user=an_administrator(pump))
    client = Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)
    client.get("/api/v1/clinics/")  # a key notes that it is used once in a while
    for path, method, fields in asked:
        with undone():
            url = address(path.lstrip("/").replace("{", "<").replace("}", ">"), ids)
            check_call(client, url, method, fields)


def check_call(client: Client, url: str, method: str, fields: Mapping[str, Any]) -> None:
    before = snapshot()
    for name, field in fields.items():
        if field.get("readOnly"):
            continue
        for kind, bad in bad_values(field):
            others = {other: "words" for other, told in fields.items() if other != name and is_free(told)}
            answer = client.generic(
                method.upper(), url, json.dumps({**others, name: bad}), content_type="application/json"
            )
            assert 400 <= answer.status_code < 500, f"{method} {url} {name} {kind}: {answer.status_code}"
            if answer.status_code == 400:
                told = answer.json()
                assert name in told or "non_field_errors" in told, f"{method} {url} {name} {kind}: {told}"
    assert snapshot() == before, f"{method} {url}"


def is_free(field: Mapping[str, Any]) -> bool:
    return field["required"] and field.get("type") == "string" and not {"format", "enum", "readOnly"} & set(field)


def bad_values(field: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values a field of this kind cannot take."""
    if "type" in field:  # what has none may be an object
        yield "an object", {"a": [SCRIPT]}
    kind = field.get("type")
    kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
    if kind in {"number", "integer"} or field.get("format") in {"decimal", "date", "date-time"} or "enum" in field:
        for name, bad in RUBBISH.items():
            if name not in {"missing", "negative"} or field["required"]:
                yield name, bad
    elif kind == "array":
        yield "no list", SCRIPT
        yield "rubbish inside", [{"a": {}}, SCRIPT, MEGABYTE]
    elif kind == "boolean":
        yield "no yes or no", SCRIPT
    elif kind == "string":
        yield "nul", "\x00"
        if "maxLength" in field:
            yield "one megabyte", MEGABYTE


def test_the_walk_reaches_every_form_there_is() -> None:
    """Pages with a form of ours, and calls with a body: so that neither list can become empty unseen."""
    pump, ids = theirs()
    client = in_browser(an_administrator(pump))
    seen = set()
    for route in PAGES:
        for url in pages_of(route, ids):
            with read(client.get(url)) as page:
                seen |= {type(form) for form in forms_of(page).values()}
    ours = {form for form in every_form(forms.BaseForm) if form.__module__.split(".")[0] in OURS}
    concrete = {form for form in ours if form.base_fields and not every_form(form)}
    assert {form.__name__ for form in concrete - seen} <= UNSEEN
    assert len(CALLS) > 25


# Shown before somebody is logged in, in the middle of setting a second factor up, to an administrator of all clinics,
# or to the other side of a transfer; rows of a table are within their form; a bridge is asked about in a review; a
# bolus to be given and a pump to be read back are other states of pages that the walk sees; a template is chosen in an
# address.
UNSEEN = {
    "BolusForm",
    "DownRow",
    "ReadBackForm",
    "UseTemplateForm",
    "BridgeForm",
    "RowForm",
    "JoinForm",
    "LogInForm",
    "NewPasswordForm",
    "ActivateTotpForm",
    "SecondFactorForm",
    "NewClinicForm",
    "TakeForm",
}


def every_form(base: type) -> set[Any]:
    return {found for below in base.__subclasses__() for found in {below, *every_form(below)}}
