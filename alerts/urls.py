from django.urls import path

from alerts import pages, webhook_pages

urlpatterns = [
    path("alerts/", pages.alerts, name="alerts"),
    path("messages/", pages.messages, name="messages"),
    path("messages/<int:message_id>/", pages.message, name="message"),
    path("clinics/<int:clinic_id>/webhooks/", webhook_pages.webhooks, name="webhooks"),
    path("clinics/<int:clinic_id>/webhooks/<int:webhook_id>/renew/", webhook_pages.renew_webhook, name="renew_webhook"),
    path("clinics/<int:clinic_id>/webhooks/<int:webhook_id>/test/", webhook_pages.try_webhook, name="try_webhook"),
    path(
        "clinics/<int:clinic_id>/webhooks/<int:webhook_id>/remove/", webhook_pages.remove_webhook, name="remove_webhook"
    ),
]
