from django.db import migrations

KEYS = {
    "lifecycle_standing": ("standing_once", "person_id, generation_id, line"),
    "lifecycle_state": ("state_once", "person_id, generation_id, line"),
    "lifecycle_tally": ("tally_once", "person_id, generation_id, line, is_signal, name"),
}


def lighten(apps, schema_editor):
    """Rows that are found by whose they are, and that each event changes, need no index of numbers beside; and where
    none of a row's indexes changes, PostgreSQL needs to touch none if the new row has room on the old one's page."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, (name, columns) in KEYS.items():
        schema_editor.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, DROP CONSTRAINT {name},"
            f" ADD CONSTRAINT {name} PRIMARY KEY ({columns})"
        )
    for table in ("lifecycle_state", "people_person"):
        schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")


class Migration(migrations.Migration):
    dependencies = [("lifecycle", "0018_moves_of_a_person"), ("people", "0007_fewer_indexes")]

    operations = [migrations.RunPython(lighten, migrations.RunPython.noop)]
