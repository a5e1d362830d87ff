import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lifecycle', '0010_followed'),
        ('people', '0004_first_seen'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='standing',
            name='standing_once',
        ),
        migrations.RemoveIndex(
            model_name='standing',
            name='standing_rung',
        ),
        migrations.RemoveIndex(
            model_name='standing',
            name='standing_owner',
        ),
        migrations.RemoveIndex(
            model_name='standing',
            name='standing_company',
        ),
        migrations.AlterField(
            model_name='standing',
            name='company',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='people.company'),
        ),
        migrations.AlterField(
            model_name='standing',
            name='owner',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='standing',
            name='person',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='standings', to='people.person'),
        ),
        migrations.AddIndex(
            model_name='standing',
            index=models.Index(fields=['owner', 'generation'], name='standing_owner'),
        ),
        migrations.AddIndex(
            model_name='standing',
            index=models.Index(fields=['company', 'generation'], name='standing_company'),
        ),
        migrations.AddConstraint(
            model_name='standing',
            constraint=models.UniqueConstraint(fields=('person', 'generation', 'line'), name='standing_once'),
        ),
    ]
