from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('insight', '0004_comparisons'),
    ]

    operations = [
        migrations.AddField(
            model_name='backtest',
            name='misleading',
            field=models.JSONField(null=True),
        ),
    ]
