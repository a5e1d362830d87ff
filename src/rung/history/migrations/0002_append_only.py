"""The database itself refuses to change or delete an event, except inside an erasure's transaction."""

from django.db import migrations

SQLITE = [
    f"""
    CREATE TRIGGER history_event_no_{verb.lower()} BEFORE {verb} ON history_event
    WHEN NOT EXISTS (SELECT 1 FROM history_erasing)
    BEGIN SELECT RAISE(ABORT, 'the history is append only'); END
    """
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    """
    CREATE FUNCTION history_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM history_erasing) THEN
            RAISE EXCEPTION 'the history is append only' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER history_event_append_only BEFORE UPDATE OR DELETE ON history_event
    FOR EACH ROW EXECUTE FUNCTION history_refuse_change()
    """,
]


def put(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def take(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER history_event_no_update")
        schema_editor.execute("DROP TRIGGER history_event_no_delete")
    else:
        schema_editor.execute("DROP TRIGGER history_event_append_only ON history_event")
        schema_editor.execute("DROP FUNCTION history_refuse_change()")


class Migration(migrations.Migration):
    dependencies = [("history", "0001_first_tables")]
    operations = [migrations.RunPython(put, take)]
