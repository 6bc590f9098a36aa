from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clinics", "0007_changes_by_time"),
        ("pumps", "0010_visit_drafts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                models.OrderBy(models.F("recorded_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("source", "import"), _negated=True),
                name="event_recorded",
            ),
        ),
        migrations.AddIndex(
            model_name="forecast",
            index=models.Index(
                condition=models.Q(("findings__contains", [{"severity": "high"}]), ("in_use", True)),
                fields=["clinic", "worklist_at", "pump"],
                name="forecast_serious",
            ),
        ),
    ]
