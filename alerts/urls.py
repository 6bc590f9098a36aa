from django.urls import path

from alerts import duty_pages, pages, webhook_pages

urlpatterns = [
    path("alerts/", pages.alerts, name="alerts"),
    path("alerts/<int:alert_id>/", pages.alert, name="alert"),
    path("alerts/<int:alert_id>/resolve/", pages.resolve_alert, name="resolve_alert"),
    path("messages/", pages.messages, name="messages"),
    path("messages/<int:message_id>/", pages.message, name="message"),
    path("on-call/", duty_pages.on_call, name="on_call"),
    path("clinics/<int:clinic_id>/on-call/", duty_pages.clinic_on_call, name="clinic_on_call"),
    path("clinics/<int:clinic_id>/on-call/rota/", duty_pages.change_rota, name="change_rota"),
    path("clinics/<int:clinic_id>/on-call/stand-ins/", duty_pages.add_stand_in, name="add_stand_in"),
    path(
        "clinics/<int:clinic_id>/on-call/stand-ins/<int:stand_in_id>/end/",
        duty_pages.end_stand_in,
        name="end_stand_in",
    ),
    path("account/digest/", duty_pages.digest_choices, name="digest_choices"),
    path("clinics/<int:clinic_id>/webhooks/", webhook_pages.webhooks, name="webhooks"),
    path("clinics/<int:clinic_id>/webhooks/<int:webhook_id>/renew/", webhook_pages.renew_webhook, name="renew_webhook"),
    path("clinics/<int:clinic_id>/webhooks/<int:webhook_id>/test/", webhook_pages.try_webhook, name="try_webhook"),
    path(
        "clinics/<int:clinic_id>/webhooks/<int:webhook_id>/remove/", webhook_pages.remove_webhook, name="remove_webhook"
    ),
]
