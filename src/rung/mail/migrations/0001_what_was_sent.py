from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Sent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message_id', models.CharField(max_length=120, unique=True)),
                ('key', models.CharField(max_length=200, unique=True)),
                ('person_id', models.BigIntegerField(db_index=True, null=True)),
                ('to', models.CharField(max_length=320)),
                ('sent_at', models.BigIntegerField()),
            ],
        ),
    ]
