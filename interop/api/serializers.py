from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers

from clinics.api.fields import IdField, MomentField
from clinics.services.meter import seconds_left
from interop.models import ImportJob


class UploadInput(serializers.Serializer[Any]):
    """`multipart/form-data` with one or more `files`: the CSV files, or a zip of them."""

    files = serializers.ListField(child=serializers.FileField(), max_length=200)


class ImportSerializer(serializers.ModelSerializer[ImportJob]):
    """`report` has `problems` (file, line, column, message) and their `count`, or `counts` by file; and `warnings`."""

    id = IdField()
    created_at = MomentField()
    finished_at = MomentField(allow_null=True)
    seconds_left = serializers.SerializerMethodField(help_text="of the present step; null while that cannot be told")
    report = serializers.DictField()

    class Meta:
        model = ImportJob
        fields: ClassVar = [
            "id",
            "state",
            "created_at",
            "finished_at",
            "step",
            "step_done",
            "step_total",
            "seconds_left",
            "report",
            "error",
        ]

    def get_seconds_left(self, job: ImportJob) -> int | None:
        return seconds_left(job, timezone.now())
