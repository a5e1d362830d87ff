from django.db import migrations, models

OF_THE_STANDING = """
UPDATE lifecycle_state SET (stage, lap, decided_until, last_seq, last_at) = (
    SELECT stage, lap, decided_until, last_seq, last_at FROM lifecycle_standing s
    WHERE s.person_id = lifecycle_state.person_id AND s.generation_id = lifecycle_state.generation_id
    AND s.line = lifecycle_state.line
)
"""
WITHOUT_ONE = """
DELETE FROM lifecycle_state WHERE NOT EXISTS (
    SELECT 1 FROM lifecycle_standing s WHERE s.person_id = lifecycle_state.person_id
    AND s.generation_id = lifecycle_state.generation_id AND s.line = lifecycle_state.line
)
"""


class Migration(migrations.Migration):
    dependencies = [("lifecycle", "0016_moves_counted_by_stretches")]

    operations = [
        migrations.AddField("state", "stage", models.CharField(max_length=12, default=""), preserve_default=False),
        migrations.AddField("state", "lap", models.IntegerField(default=1), preserve_default=False),
        migrations.AddField("state", "decided_until", models.BigIntegerField(default=0), preserve_default=False),
        migrations.AddField("state", "last_seq", models.BigIntegerField(default=0), preserve_default=False),
        migrations.AddField("state", "last_at", models.BigIntegerField(default=0), preserve_default=False),
        migrations.AddField("state", "lasting", models.BigIntegerField(default=0)),
        migrations.RunSQL(WITHOUT_ONE, migrations.RunSQL.noop),
        migrations.RunSQL(OF_THE_STANDING, migrations.RunSQL.noop),
    ]
