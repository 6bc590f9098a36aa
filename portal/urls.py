from django.urls import path

from portal import card_page, card_staff, pages, sound_files

urlpatterns = [
    path("v/sounds/one-tone.wav", sound_files.one_tone, name="one_tone"),
    path("v/sounds/two-tones.wav", sound_files.two_tones, name="two_tones"),
    path("v/<str:token>/", pages.start, name="patient_link"),
    path("v/<str:token>/times/", pages.times, name="patient_times"),
    path("v/<str:token>/sound/", pages.sound, name="patient_sound"),
    path("v/<str:token>/unwell/", pages.unwell, name="patient_unwell"),
    path("v/<str:token>/unsubscribe/", pages.unsubscribe, name="patient_unsubscribe"),
    # Short, since it is printed as a code.
    path("c/<str:token>/", card_page.card_page, name="card_page"),
    path("patients/<int:patient_id>/emergency-card/", card_staff.emergency_card, name="emergency_card"),
    path("patients/<int:patient_id>/emergency-card/print/", card_staff.print_card, name="print_card"),
    path("patients/<int:patient_id>/emergency-card/renew/", card_staff.renew_card, name="renew_card"),
    path("patients/<int:patient_id>/emergency-card/end/", card_staff.end_card, name="end_card"),
]
