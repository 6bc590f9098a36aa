from django.urls import path

from alerts import pages

urlpatterns = [
    path("alerts/", pages.alerts, name="alerts"),
    path("alerts/<int:alert_id>/", pages.alert, name="alert"),
    path("alerts/<int:alert_id>/resolve/", pages.resolve_alert, name="resolve_alert"),
    path("messages/", pages.messages, name="messages"),
    path("messages/<int:message_id>/", pages.message, name="message"),
]
