from django.urls import path

from interop import administration, job_pages, pages

urlpatterns = [
    path("administration/", administration.administration, name="administration"),
    path("imports/", pages.imports, name="imports"),
    path("imports/<int:job_id>/", pages.import_job, name="import_job"),
    path("imports/<int:job_id>/progress/", pages.import_progress, name="import_progress"),
    path("imports/<int:job_id>/confirm/", pages.confirm_import, name="confirm_import"),
    path("imports/<int:job_id>/cancel/", pages.cancel_import, name="cancel_import"),
    path("jobs/", job_pages.job_list, name="jobs"),
    path("jobs/<int:work_id>/", job_pages.job, name="job"),
    path("jobs/<int:work_id>/progress/", job_pages.job_progress, name="job_progress"),
    path("jobs/<int:work_id>/cancel/", job_pages.cancel_job, name="cancel_job"),
    path("jobs/<int:work_id>/file/", job_pages.job_file, name="job_file"),
    path("clinics/<int:clinic_id>/export/", pages.export_clinic, name="export_clinic"),
]
