from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0002_append_only'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='event',
            name='event_company',
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('company_id__isnull', False)), fields=['company_id', 'at'], name='event_company'),
        ),
    ]
