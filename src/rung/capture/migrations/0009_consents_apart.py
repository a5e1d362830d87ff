from django.db import migrations


class Migration(migrations.Migration):
    """Beside the one before: PostgreSQL does not change a table in the transaction that wrote to what refers to it."""

    dependencies = [
        ('capture', '0008_several_consents'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='formsubmission',
            name='confirmed_at',
        ),
        migrations.RemoveField(
            model_name='formsubmission',
            name='consent',
        ),
        migrations.RemoveField(
            model_name='formsubmission',
            name='consent_version',
        ),
    ]
