import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0006_keys_of_imports'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='companytrait',
            name='company_trait_number',
        ),
        migrations.RemoveIndex(
            model_name='trait',
            name='trait_number',
        ),
        migrations.AlterField(
            model_name='person',
            name='company',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='people.company'),
        ),
        migrations.AlterField(
            model_name='person',
            name='owner',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='owned_people', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='companytrait',
            index=models.Index(condition=models.Q(('number__isnull', False)), fields=['field', 'number'], name='company_trait_number'),
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner'], name='person_owner'),
        ),
        migrations.AddIndex(
            model_name='trait',
            index=models.Index(condition=models.Q(('number__isnull', False)), fields=['field', 'number'], name='trait_number'),
        ),
    ]
