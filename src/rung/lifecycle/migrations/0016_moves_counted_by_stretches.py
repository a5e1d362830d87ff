from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lifecycle", "0015_fewer_indexes_of_tallies")]

    operations = [
        migrations.RemoveIndex(model_name="stagemove", name="move_flow"),
        migrations.RemoveIndex(model_name="stagemove", name="move_stage"),
        migrations.AddIndex(
            model_name="stagemove",
            index=models.Index(
                fields=["generation", "is_redefinition", "cause", "stage", "from_stage", "at", "status", "rule_line"],
                name="move_flow",
            ),
        ),
    ]
