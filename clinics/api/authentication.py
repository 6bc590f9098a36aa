from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from clinics.backends import may_log_in
from clinics.models import ApiKey, User
from clinics.services.keys import digest_of, mark_used


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`, with a key made by `issue_token`."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Write the header as: Authorization: Bearer KEY")
        keys = ApiKey.objects.select_related("user").filter(
            digest=digest_of(parts[1].decode("latin-1")), revoked_at=None
        )
        key = keys.first()
        if key is None or not may_log_in(key.user):
            raise AuthenticationFailed("This API key is not known, or was revoked.")
        mark_used(key, timezone.now())
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # spectacular's class registry is untyped
    target_class = "clinics.api.authentication.BearerAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
