from django.urls import path

from alerts import pages

urlpatterns = [
    path("alerts/", pages.alerts, name="alerts"),
    path("messages/", pages.messages, name="messages"),
    path("messages/<int:message_id>/", pages.message, name="message"),
]
