"""The API's description of itself, where programs are made from it."""

from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from pumps.models import Event


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def calls(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, call in methods.items():
            yield method, path, call


def names(call: dict[str, Any], place: str) -> set[str]:
    return {parameter["name"] for parameter in call.get("parameters", []) if parameter["in"] == place}


def component(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]]
    return found


def body_of(response: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = response["content"]["application/json"]["schema"]
    return body


@pytest.mark.parametrize("path", ["refills", "dose-changes", "timeline", "residuals"])
def test_the_ledger_is_answered_in_pages(schema: dict[str, Any], path: str) -> None:
    call = schema["paths"][f"/api/v1/pumps/{{id}}/{path}/"]["get"]
    page = component(schema, body_of(call["responses"]["200"]))
    assert set(page["properties"]) == {"next", "previous", "results"}
    assert "cursor" in names(call, "query")


def test_an_entry_of_the_timeline_is_of_one_kind(schema: dict[str, Any]) -> None:
    entry = schema["components"]["schemas"]["TimelineEntry"]
    fields = [set(component(schema, kind)["properties"]) for kind in entry["oneOf"]]
    assert all({"id", "kind", "occurred_at", "voided_by"} <= found for found in fields)
    assert set(entry["discriminator"]["mapping"]) == set(Event.Kind.values)
    for own in ("filled_ml", "steps", "replacement"):
        assert sum(own in found for found in fields) == 1


@pytest.mark.parametrize("path", ["refills/", "dose-changes/", "timeline/{event}/void/"])
def test_what_goes_to_the_ledger_can_be_confirmed(schema: dict[str, Any], path: str) -> None:
    call = schema["paths"]["/api/v1/pumps/{id}/" + path]["post"]
    assert "confirm" in component(schema, body_of(call["requestBody"]))["properties"]
    assert "Idempotency-Key" in names(call, "header")


@pytest.mark.parametrize(
    ("name", "field"), [("Alert", "closed_by_event"), ("VoidOutput", "replacement"), ("VoidOutput", "voids")]
)
def test_what_may_be_null_says_so(schema: dict[str, Any], name: str, field: str) -> None:
    assert schema["components"]["schemas"][name]["properties"][field]["type"] == ["string", "null"]


def test_every_call_says_its_errors_and_ids_are_strings(schema: dict[str, Any]) -> None:
    for method, path, call in calls(schema):
        answers = call["responses"]
        assert {"401", "403"} <= set(answers), path
        assert ("404" in answers) >= ("{" in path), path
        assert ("400" in answers) >= (method != "get"), path
        assert ("409" in answers) == ("Idempotency-Key" in names(call, "header")), path
        errors = [body_of(answer) for code, answer in answers.items() if code >= "400"]
        assert all(error == {"$ref": "#/components/schemas/Error"} for error in errors)
        in_path = [parameter for parameter in call.get("parameters", []) if parameter["in"] == "path"]
        assert all(parameter["schema"] == {"type": "string"} for parameter in in_path)


def test_filters_stand_where_they_filter(schema: dict[str, Any]) -> None:
    assert "mrn" in names(schema["paths"]["/api/v1/patients/"]["get"], "query")
    assert "serial_number" in names(schema["paths"]["/api/v1/pumps/"]["get"], "query")
    assert names(schema["paths"]["/api/v1/pumps/"]["post"], "query") == set()
