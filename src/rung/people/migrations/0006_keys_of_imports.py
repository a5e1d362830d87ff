from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0005_suggestions")]

    operations = [
        migrations.AddField(model_name="identity", name="by_import", field=models.BigIntegerField(null=True)),
    ]
