import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0008_what_others_told'),
    ]

    operations = [
        migrations.AlterField(
            model_name='companytrait',
            name='company',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='trait_rows', to='people.company'),
        ),
        migrations.AlterField(
            model_name='trait',
            name='person',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='trait_rows', to='people.person'),
        ),
    ]
