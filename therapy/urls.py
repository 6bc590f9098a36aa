from django.urls import path, register_converter

from therapy.pages import audit, clinics, course, doses, prescribing, screening, tapers


class RecordKind:
    """The word for a kind of record in an address."""

    regex = "|".join(course.RECORDS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(RecordKind, "record_kind")

urlpatterns = [
    path("prescribing/", prescribing.prescribing, name="prescribing"),
    path("audit/", audit.audit, name="audit"),
    path("audit/download/", audit.download, name="audit_download"),
    path("to-sign/", doses.to_sign_page, name="to_sign"),
    path("patients/<int:patient_id>/course/", course.course, name="course"),
    path("patients/<int:patient_id>/course/pdf/", course.course_pdf, name="course_pdf"),
    path("patients/<int:patient_id>/phase/", course.change_phase, name="change_phase"),
    path("patients/<int:patient_id>/measure/", course.assess, name="assess"),
    path("patients/<int:patient_id>/adverse-event/", course.report_adverse, name="report_adverse"),
    path("patients/<int:patient_id>/medicines/new/", course.add_medicine, name="add_medicine"),
    path("patients/<int:patient_id>/medicines/<int:medicine_id>/end/", course.end_medicine, name="end_medicine"),
    path("patients/<int:patient_id>/rescue-plan/", course.write_rescue_plan, name="rescue_plan"),
    path("patients/<int:patient_id>/<record_kind:record>/<int:row_id>/void/", course.void_record, name="void_record"),
    path("patients/<int:patient_id>/screening/", screening.begin, name="begin_screening"),
    path("patients/<int:patient_id>/screenings/<int:trial_id>/", screening.trial, name="screening"),
    path("patients/<int:patient_id>/screenings/<int:trial_id>/give-up/", screening.give_up, name="give_up_screening"),
    path("patients/<int:patient_id>/doses/<int:event_id>/sign/", doses.sign_dose, name="sign_dose"),
    path("pumps/<int:pump_id>/propose/", doses.propose, name="propose"),
    path("proposals/<int:proposal_id>/", doses.proposal, name="proposal"),
    path("pumps/<int:pump_id>/wean/", tapers.wean, name="wean"),
    path("weaning-plans/<int:plan_id>/", tapers.weaning_plan, name="weaning_plan"),
    path("clinics/<int:clinic_id>/protocol/", clinics.protocol, name="protocol"),
    path("clinics/<int:clinic_id>/program-templates/", clinics.templates, name="program_templates"),
    path(
        "clinics/<int:clinic_id>/program-templates/<int:template_id>/remove/",
        clinics.remove_template,
        name="remove_template",
    ),
]
