"""The contract's addresses (design, section 6)."""

from django.urls import path

from alerts.api import views as alerts
from clinics.api import people
from interop.api import views as interop
from patients.api import views as patients
from pumps.api import clinics, ledger_views, views
from pumps.api import patients as pump_patients

urlpatterns = [
    path("clinics/", clinics.ClinicList.as_view()),
    path("clinics/<int:pk>/", clinics.ClinicDetail.as_view()),
    path("clinics/<int:pk>/preview/", clinics.ClinicPreview.as_view()),
    path("clinics/<int:pk>/products/", clinics.ProductList.as_view()),
    path("clinics/<int:pk>/products/preview/", clinics.ProductPreview.as_view()),
    path("clinics/<int:pk>/products/<int:product>/", clinics.ProductDetail.as_view()),
    path("clinics/<int:pk>/tiers/", clinics.Tiers.as_view()),
    path("clinics/<int:pk>/go-live/", clinics.GoLive.as_view()),
    path("clinics/<int:pk>/closed-days/", people.ClosedDayList.as_view()),
    path("clinics/<int:pk>/closed-days/<int:closed_day>/", people.ClosedDayDetail.as_view()),
    path("clinics/<int:pk>/members/", people.MemberList.as_view()),
    path("clinics/<int:pk>/members/<int:member>/", people.MemberDetail.as_view()),
    path("clinics/<int:pk>/leave/", people.Leave.as_view()),
    path("clinics/<int:pk>/invitations/", people.InvitationList.as_view()),
    path("clinics/<int:pk>/invitations/<int:invitation>/withdraw/", people.InvitationWithdraw.as_view()),
    path("clinics/<int:pk>/invitations/<int:invitation>/resend/", people.InvitationResend.as_view()),
    path("clinics/<int:pk>/changes/", people.ChangeList.as_view()),
    path("clinics/<int:pk>/export/", interop.Export.as_view()),
    path("imports/", interop.ImportList.as_view()),
    path("imports/<int:pk>/", interop.ImportDetail.as_view()),
    path("imports/<int:pk>/confirm/", interop.ImportConfirm.as_view()),
    path("imports/<int:pk>/cancel/", interop.ImportCancel.as_view()),
    path("api-keys/", people.ApiKeyList.as_view()),
    path("api-keys/<int:pk>/revoke/", people.ApiKeyRevoke.as_view()),
    path("patients/", patients.PatientList.as_view()),
    path("patients/<int:pk>/", patients.PatientDetail.as_view()),
    path("patients/<int:pk>/status/", pump_patients.PatientStatus.as_view()),
    path("patients/<int:pk>/contacts/", patients.ContactList.as_view()),
    path("patients/<int:pk>/contacts/<int:contact>/", patients.ContactDetail.as_view()),
    path("patients/<int:pk>/transfer/", pump_patients.PatientTransfer.as_view()),
    path("transfers/accept/", pump_patients.TakeOver.as_view()),
    path("pump-models/", views.PumpModelList.as_view()),
    path("pump-models/<str:model>/", views.PumpModelDetail.as_view()),
    path("pumps/", views.PumpList.as_view()),
    path("pumps/<int:pk>/", views.PumpDetail.as_view()),
    path("pumps/<int:pk>/explant/", views.PumpExplant.as_view()),
    path("pumps/<int:pk>/replace/", views.PumpReplace.as_view()),
    path("pumps/<int:pk>/owner/", views.PumpOwner.as_view()),
    path("pumps/<int:pk>/forecast/", views.PumpForecast.as_view()),
    path("pumps/<int:pk>/refills/", ledger_views.RefillList.as_view()),
    path("pumps/<int:pk>/refills/preview/", ledger_views.RefillPreview.as_view()),
    path("pumps/<int:pk>/dose-changes/", ledger_views.DoseChangeList.as_view()),
    path("pumps/<int:pk>/dose-changes/preview/", ledger_views.DosePreview.as_view()),
    path("pumps/<int:pk>/events/", ledger_views.EventList.as_view()),
    path("pumps/<int:pk>/events/preview/", ledger_views.EventPreview.as_view()),
    path("event-kinds/", ledger_views.EventKinds.as_view()),
    path("pumps/<int:pk>/timeline/", ledger_views.Timeline.as_view()),
    path("pumps/<int:pk>/timeline/<int:event>/void/", ledger_views.TimelineVoid.as_view()),
    path("pumps/<int:pk>/timeline/<int:event>/void/preview/", ledger_views.TimelineVoidPreview.as_view()),
    path("worklist/", views.Worklist.as_view()),
    path("alerts/", alerts.AlertList.as_view()),
    path("alerts/<int:pk>/", alerts.AlertDetail.as_view()),
    path("notifications/", alerts.NotificationList.as_view()),
    path("notifications/<int:pk>/", alerts.NotificationDetail.as_view()),
    path("calculators/refill/", views.RefillCalculator.as_view()),
]
