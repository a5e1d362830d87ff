import django.db.models.deletion
from django.db import migrations, models


def apart(apps, schema_editor):
    """What was agreed to with a form stands in rows of its own."""
    consent = apps.get_model("capture", "FormConsent")
    for row in apps.get_model("capture", "FormSubmission").objects.exclude(consent_version="").iterator():
        consent.objects.create(
            submission=row,
            purpose="marketing",
            text=(row.consent or {}).get("text", ""),
            version=row.consent_version,
            confirmed_at=row.confirmed_at,
        )


class Migration(migrations.Migration):

    dependencies = [
        ('capture', '0007_uploads'),
    ]

    operations = [
        migrations.CreateModel(
            name='FormConsent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(max_length=20)),
                ('text', models.TextField()),
                ('version', models.CharField(max_length=12)),
                ('confirmed_at', models.BigIntegerField(null=True)),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='capture.formsubmission')),
            ],
        ),
        migrations.RunPython(apart, migrations.RunPython.noop),
    ]
