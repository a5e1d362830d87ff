from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("capture", "0009_consents_apart")]

    operations = [
        migrations.AddField("webhook", "secret", models.CharField(blank=True, default="", max_length=200)),
    ]
