from django.urls import path

from portal import pages, sound_files

urlpatterns = [
    path("v/sounds/one-tone.wav", sound_files.one_tone, name="one_tone"),
    path("v/sounds/two-tones.wav", sound_files.two_tones, name="two_tones"),
    path("v/<str:token>/", pages.start, name="patient_link"),
    path("v/<str:token>/times/", pages.times, name="patient_times"),
    path("v/<str:token>/sound/", pages.sound, name="patient_sound"),
    path("v/<str:token>/unwell/", pages.unwell, name="patient_unwell"),
    path("v/<str:token>/unsubscribe/", pages.unsubscribe, name="patient_unsubscribe"),
]
