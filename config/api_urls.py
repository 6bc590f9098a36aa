"""The contract's addresses (design, section 6)."""

from django.urls import path

from alerts.api import views as alerts
from patients.api import views as patients
from pumps.api import clinics, ledger_views, views
from pumps.api import patients as pump_patients

urlpatterns = [
    path("clinics/", clinics.ClinicList.as_view()),
    path("clinics/<int:pk>/", clinics.ClinicDetail.as_view()),
    path("patients/", patients.PatientList.as_view()),
    path("patients/<int:pk>/", patients.PatientDetail.as_view()),
    path("patients/<int:pk>/status/", pump_patients.PatientStatus.as_view()),
    path("pump-models/", views.PumpModelList.as_view()),
    path("pump-models/<str:model>/", views.PumpModelDetail.as_view()),
    path("pumps/", views.PumpList.as_view()),
    path("pumps/<int:pk>/", views.PumpDetail.as_view()),
    path("pumps/<int:pk>/forecast/", views.PumpForecast.as_view()),
    path("pumps/<int:pk>/refills/", ledger_views.RefillList.as_view()),
    path("pumps/<int:pk>/dose-changes/", ledger_views.DoseChangeList.as_view()),
    path("pumps/<int:pk>/timeline/", ledger_views.Timeline.as_view()),
    path("pumps/<int:pk>/timeline/<int:event>/void/", ledger_views.TimelineVoid.as_view()),
    path("worklist/", views.Worklist.as_view()),
    path("alerts/", alerts.AlertList.as_view()),
    path("alerts/<int:pk>/", alerts.AlertDetail.as_view()),
    path("notifications/", alerts.NotificationList.as_view()),
    path("notifications/<int:pk>/", alerts.NotificationDetail.as_view()),
    path("calculators/refill/", views.RefillCalculator.as_view()),
]
