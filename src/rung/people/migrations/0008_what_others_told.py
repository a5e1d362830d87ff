import django.db.models.deletion
from django.db import migrations, models

# Whoever came with an import and had other keys since was named by somebody else: until now they kept the import's.
KEPT = """
INSERT INTO people_alsotold (identity_id, person_id, by_import, since_at)
SELECT own.id, own.person_id, NULL, own.since_at FROM people_identity own WHERE own.by_import IS NOT NULL
AND NOT EXISTS (
    SELECT 1 FROM people_identity before WHERE before.person_id = own.person_id AND before.id < own.id
    AND (before.by_import IS NULL OR before.by_import <> own.by_import)
) AND EXISTS (
    SELECT 1 FROM people_identity later WHERE later.person_id = own.person_id AND later.id > own.id
    AND (later.by_import IS NULL OR later.by_import <> own.by_import)
)
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0007_fewer_indexes")]

    operations = [
        migrations.CreateModel(
            name="AlsoTold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by_import", models.BigIntegerField(null=True)),
                ("since_at", models.BigIntegerField()),
                ("identity", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="also_told",
                                               to="people.identity")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+",
                                             to="people.person")),
            ],
        ),
        migrations.RunSQL(KEPT, migrations.RunSQL.noop),
    ]  # fmt: skip
