import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lifecycle', '0017_states_say_what_stood'),
        ('people', '0007_fewer_indexes'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='stagemove',
            name='move_once',
        ),
        migrations.AlterField(
            model_name='stagemove',
            name='person',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='people.person'),
        ),
        migrations.AddConstraint(
            model_name='stagemove',
            constraint=models.UniqueConstraint(fields=('person', 'generation', 'line_of_business', 'number'), name='move_once'),
        ),
    ]
