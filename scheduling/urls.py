from django.urls import path

from scheduling import pages

urlpatterns = [path("calendar/<str:token>/visits.ics", pages.feed, name="calendar_feed")]
