from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("capture", "0010_secrets_of_webhooks")]

    operations = [
        migrations.AddField("upload", "tables", models.JSONField(default=list)),
    ]
