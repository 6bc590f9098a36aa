from django.urls import path

from interop import administration, pages

urlpatterns = [
    path("administration/", administration.administration, name="administration"),
    path("imports/", pages.imports, name="imports"),
    path("imports/<int:job_id>/", pages.import_job, name="import_job"),
    path("imports/<int:job_id>/progress/", pages.import_progress, name="import_progress"),
    path("imports/<int:job_id>/confirm/", pages.confirm_import, name="confirm_import"),
    path("imports/<int:job_id>/cancel/", pages.cancel_import, name="cancel_import"),
    path("clinics/<int:clinic_id>/export/", pages.export_clinic, name="export_clinic"),
]
