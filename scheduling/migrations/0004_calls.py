"""Telephone calls about refills: the database refuses to update or delete one, whoever asks."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARDS = """
CREATE TRIGGER scheduling_call_append_only BEFORE UPDATE OR DELETE ON scheduling_call
    FOR EACH ROW EXECUTE FUNCTION clinics_append_only();
"""

BACKWARDS = """
DROP TRIGGER scheduling_call_append_only ON scheduling_call;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("clinics", "0003_changes_are_append_only"),
        ("patients", "0007_viewings"),
        ("pumps", "0012_forecasts_unknown"),
        ("scheduling", "0003_reminder_channels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Call",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_answer", "nobody answered"),
                            ("left_message", "left a message"),
                            ("will_call_back", "will call back"),
                            ("other", "see the note"),
                        ],
                        max_length=16,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="calls", to="clinics.clinic"
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="calls", to="patients.patient"
                    ),
                ),
                (
                    "pump",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="pumps.pump",
                    ),
                ),
                (
                    "voids",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="voided_by",
                        to="scheduling.call",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["pump", "-id"], name="call_of_pump"),
                    models.Index(fields=["clinic", "-at", "-id"], name="call_of_clinic"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("outcome__in", ["no_answer", "left_message", "will_call_back", "other"]), ("voids", None)
                        )
                        | models.Q(("outcome", ""), ("voids__isnull", False)),
                        name="call_has_an_outcome_or_voids",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("outcome", "other"), _negated=True) | models.Q(("note", ""), _negated=True),
                        name="call_other_has_a_note",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
