from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0003_api_keys")]

    operations = [
        migrations.CreateModel(
            name="FirmName",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
            ],
        ),
    ]
