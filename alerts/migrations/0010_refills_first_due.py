from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0009_sent_at_of_messages"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("kind", "refill_due")),
                fields=["refill_by", "id"],
                name="alert_refills_first",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("kind", "refill_due")),
                fields=["clinic", "refill_by", "id"],
                name="alert_refills_of_clinic",
            ),
        ),
    ]
