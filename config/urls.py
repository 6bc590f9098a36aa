"""Every address of the service: pages at the root, the API under /api/v1/, health probes under /health/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from alerts.callbacks import mail_callback, twilio_callback
from config import health

urlpatterns = [
    path("", include("clinics.urls")),
    path("", include("pumps.urls")),
    path("", include("therapy.urls")),
    path("", include("interop.urls")),
    path("", include("scheduling.urls")),
    path("", include("alerts.urls")),
    path("", include("portal.urls")),
    path("", include("frame.urls")),
    path("callbacks/mail/", mail_callback, name="mail_callback"),
    path("callbacks/twilio/<int:message_id>/", twilio_callback, name="twilio_callback"),
    path("api/v1/", include("config.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("health/engine", health.engine, name="health_engine"),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
