from django.urls import path

from pumps.pages import catalogue, clinics, pump, record, worklist

urlpatterns = [
    path("", worklist.worklist, name="worklist"),
    path("pumps/<int:pump_id>/", pump.pump, name="pump"),
    path("pumps/<int:pump_id>/refill/", record.log_refill, name="log_refill"),
    path("pumps/<int:pump_id>/dose/", record.log_dose_change, name="log_dose_change"),
    path("pumps/<int:pump_id>/events/<int:event_id>/void/", record.void_event, name="void_event"),
    path("clinics/", clinics.clinic_list, name="clinic_list"),
    path("clinics/<int:clinic_id>/", clinics.clinic, name="clinic"),
    path("clinics/<int:clinic_id>/go-live/", clinics.go_live, name="clinic_go_live"),
    path("pump-models/", catalogue.catalogue, name="catalogue"),
    path("pump-models/<slug:slug>/", catalogue.catalogue_edit, name="catalogue_edit"),
]
