"""A message with a button that takes back what it tells: one press, with or without script."""

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import format_html

BUTTON = (
    '{}\n<form method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
    '<button class="btn btn-outline-secondary" type="submit">{}</button></form>'
)


def with_button(request: HttpRequest, said: str, address: str, words: str) -> str:
    return format_html(BUTTON, said, address, get_token(request), words)
