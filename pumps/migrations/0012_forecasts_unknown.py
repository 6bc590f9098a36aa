from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pumps", "0011_entries_by_time"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="forecast",
            index=models.Index(
                condition=models.Q(("in_use", True), models.Q(("unknown_reason", ""), _negated=True)),
                fields=["worklist_at"],
                name="forecast_unknown",
            ),
        ),
    ]
