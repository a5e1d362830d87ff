import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0006_keys_of_imports"), ("lifecycle", "0013_merges")]

    operations = [
        migrations.CreateModel(
            name="FormerMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line_of_business", models.CharField(default="main", max_length=40)),
                ("at", models.BigIntegerField()),
                ("from_stage", models.CharField(max_length=12)),
                ("from_status", models.CharField(max_length=12)),
                ("stage", models.CharField(max_length=12)),
                ("status", models.CharField(max_length=12)),
                ("passed", models.BooleanField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="people.person"
                    ),
                ),
            ],
        ),
    ]
