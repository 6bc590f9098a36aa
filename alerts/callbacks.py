"""Where providers say what became of a message. Each proves who it is before a word of it counts."""

from importlib import import_module
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from twilio.request_validator import RequestValidator

from alerts.services import provider_reports
from alerts.services.provider_reports import MailReport, Mishap

MISHAPS = {
    EventType.BOUNCED: Mishap.BOUNCED,
    EventType.COMPLAINED: Mishap.COMPLAINED,
    EventType.UNSUBSCRIBED: Mishap.UNSUBSCRIBED,
    EventType.REJECTED: Mishap.REJECTED,
    EventType.FAILED: Mishap.FAILED,
}
# anymail's classes, by the name of the provider.
VIEWS = {
    "mailgun": "MailgunTrackingWebhookView",
    "postmark": "PostmarkTrackingWebhookView",
    "sendgrid": "SendGridTrackingWebhookView",
    "brevo": "BrevoTrackingWebhookView",
    "sparkpost": "SparkPostTrackingWebhookView",
}
# A mailbox that is full today, which the provider calls a bounce all the same.
SOFT = {"SoftBounce"}
UNDELIVERED_TEXT = {"undelivered", "failed"}
UNANSWERED_CALL = {"busy", "no-answer", "failed", "canceled"}


@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["POST", "HEAD"])
def mail_callback(request: HttpRequest) -> HttpResponseBase:
    """anymail checks the shared secret and, where the provider signs, the signature; then `on_tracking` is called."""
    if settings.EMAIL_PROVIDER not in VIEWS:
        raise Http404
    module = import_module(f"anymail.webhooks.{settings.EMAIL_PROVIDER}")
    view = getattr(module, VIEWS[settings.EMAIL_PROVIDER]).as_view()
    answer: HttpResponseBase = view(request)
    return answer


def on_tracking(event: AnymailTrackingEvent, **_: Any) -> None:
    """Receives anymail's signal."""
    mishap = MISHAPS.get(event.event_type)
    if mishap is None or _is_soft(event):
        return
    number = str((event.metadata or {}).get("notification", ""))
    provider_reports.mail_failed(
        MailReport(
            mishap=mishap,
            address=event.recipient or "",
            row_id=int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else None,
            provider_id=event.message_id or "",
        ),
        now=timezone.now(),
    )


def _is_soft(event: AnymailTrackingEvent) -> bool:
    said = event.esp_event
    return isinstance(said, dict) and said.get("Type") in SOFT


@csrf_exempt
@login_not_required
@never_cache
@require_POST
def twilio_callback(request: HttpRequest, message_id: int) -> HttpResponse:
    """Signed by Twilio over this address and every field. A stranger learns nothing, not even which messages exist."""
    told = request.POST.dict()
    if "CallSid" in told:
        _insist_on_signature(request, settings.VOICE)
        status = told.get("CallStatus", "")
        if status in UNANSWERED_CALL:
            provider_reports.call_failed(
                row_id=message_id, provider_id=str(told["CallSid"]), why=status, now=timezone.now()
            )
        return HttpResponse(status=204)
    _insist_on_signature(request, settings.SMS)
    if told.get("MessageStatus") in UNDELIVERED_TEXT:
        provider_reports.text_failed(
            row_id=message_id,
            provider_id=str(told.get("MessageSid", "")),
            code=str(told.get("ErrorCode", "")),
            now=timezone.now(),
        )
    return HttpResponse(status=204)


def _insist_on_signature(request: HttpRequest, account: Any) -> None:
    """The address is the one Twilio was given, whatever a proxy made of it."""
    if account is None:
        raise PermissionDenied
    signature = request.headers.get("X-Twilio-Signature", "")
    address = settings.BASE_URL + request.get_full_path()
    if not RequestValidator(account.token).validate(address, request.POST, signature):
        raise PermissionDenied
