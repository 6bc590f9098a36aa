"""How the API describes itself: ids are opaque strings, and every call says which errors it answers."""

from typing import Any, ClassVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

ERROR: dict[str, Any] = {
    "type": "object",
    "description": "`detail`; or a list of messages per field; or `confirm_required`, codes to repeat in `confirm`.",
    "properties": {
        "detail": {"type": "string"},
        "confirm_required": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                },
                "required": ["code", "field", "message"],
            },
        },
    },
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}


class Schema(AutoSchema):
    said: ClassVar = {
        "400": "The input cannot be, or asks for confirmation.",
        "401": "No valid key.",
        "403": "The role does not include this.",
        "404": "There is no such row for the caller.",
        "409": "The request contradicts what is stored.",
    }

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        parameters = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]  # untyped upstream
        return [{**parameter, "schema": {"type": "string"}} for parameter in parameters]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        error = ResolvedComponent(  # type: ignore[no-untyped-call]  # untyped upstream
            name="Error", type=ResolvedComponent.SCHEMA, object="Error", schema=ERROR
        )
        self.registry.register_on_missing(error)
        content = {"application/json": {"schema": error.ref}}
        return {**bodies, **{code: {"description": self.said[code], "content": content} for code in self._errors()}}

    def _errors(self) -> list[str]:
        """The codes a call may answer beside its success."""
        is_of_one_row = "{" in self.path
        is_list = self._is_list_view()
        is_write = self.method != "GET"
        parameters = self._get_parameters()
        has_query = any(parameter["in"] == "query" for parameter in parameters)
        is_for_ledger = any(parameter["name"] == "Idempotency-Key" for parameter in parameters)
        return [
            *(["400"] if is_write or has_query else []),
            "401",
            "403",
            *(["404"] if is_of_one_row or is_list else []),
            *(["409"] if is_for_ledger else []),
        ]
