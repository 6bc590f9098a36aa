from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0010_refills_first_due"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("kind__in", ("pump_stopped", "pump_stalled"))),
                fields=["opened_at", "id"],
                name="alert_stopped_first",
            ),
        ),
    ]
