from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0004_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="appointmentstep",
            name="was_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="appointmentstep",
            name="was_minutes",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="appointmentstep",
            name="was_state",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name="appointmentstep",
            name="was_late_reason",
            field=models.CharField(blank=True, max_length=500),
        ),
    ]
