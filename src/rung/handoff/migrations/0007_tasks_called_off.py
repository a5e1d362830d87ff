from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("handoff", "0006_tasks_about_the_agreement")]

    operations = [
        migrations.AddField(model_name="task", name="cancelled_at", field=models.BigIntegerField(null=True)),
    ]
