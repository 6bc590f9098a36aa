from django.urls import path

from frame import guide_pages, help_pages, offline

urlpatterns = [
    path("help/", help_pages.index, name="help"),
    path("help/keyboard/", help_pages.keyboard, name="keyboard"),
    path("help/<slug:slug>/", help_pages.topic, name="help_topic"),
    path("guide/<int:clinic_id>/", guide_pages.guide, name="guide"),
    path("guide/<int:clinic_id>/message/", guide_pages.send_message, name="guide_message"),
    path("guide/<int:clinic_id>/leave/", guide_pages.leave, name="leave_guide"),
    path("offline/", offline.offline, name="offline"),
    path("sw.js", offline.worker, name="worker"),
]
