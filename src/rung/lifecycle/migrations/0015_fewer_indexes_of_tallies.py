from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lifecycle", "0014_former_moves")]

    operations = [
        migrations.RemoveIndex(model_name="tally", name="tally_times_person"),
        migrations.RemoveIndex(model_name="tally", name="tally_last_person"),
        migrations.AddIndex(
            model_name="tally",
            index=models.Index(
                fields=["generation", "is_signal", "name", "last_at", "times", "person"], name="tally_of_all"
            ),
        ),
        migrations.RemoveIndex(model_name="standing", name="standing_owner"),
        migrations.RemoveIndex(model_name="standing", name="standing_company"),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(
                fields=["owner", "generation"], name="standing_owner", condition=models.Q(owner__isnull=False)
            ),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(
                fields=["company", "generation"], name="standing_company", condition=models.Q(company__isnull=False)
            ),
        ),
    ]
