from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lifecycle", "0011_indexes_that_earn_their_place")]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="before",
            field=models.ForeignKey(
                null=True, on_delete=models.deletion.SET_NULL, related_name="+", to="lifecycle.generation"
            ),
        ),
        migrations.AddField(model_name="generation", name="builder", field=models.CharField(blank=True, max_length=20, default="")),
        migrations.AddField(model_name="generation", name="decided", field=models.IntegerField(default=0)),
        migrations.AddField(model_name="generation", name="note", field=models.CharField(blank=True, max_length=200, default="")),
    ]
