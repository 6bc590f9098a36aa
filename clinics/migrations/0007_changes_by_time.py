from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clinics", "0006_language_and_look"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["clinic", "-at", "-id"], name="change_of_clinic_at"),
        ),
    ]
