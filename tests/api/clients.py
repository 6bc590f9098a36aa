from typing import Any

from rest_framework.test import APIClient

from clinics.models import User
from clinics.services.keys import issue_api_key


def client_of(user: User) -> APIClient:
    """A caller with a key, as another program would be."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_api_key(user=user)}")
    return client


def results(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["results"]
    return found
