from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lifecycle", "0009_fewer_index_writes")]

    operations = [
        migrations.AddField(
            model_name="generation", name="is_followed", field=models.BooleanField(default=False)
        ),
    ]
