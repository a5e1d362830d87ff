"""The database itself refuses to change or delete a row of the audit log."""

from django.db import migrations

SQLITE = [
    f"""
    CREATE TRIGGER access_audit_no_{verb.lower()} BEFORE {verb} ON access_audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END
    """
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    """
    CREATE FUNCTION access_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is append only' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE TRIGGER access_audit_append_only BEFORE UPDATE OR DELETE ON access_audit
    FOR EACH ROW EXECUTE FUNCTION access_refuse_audit_change()
    """,
]


def put(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def take(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER access_audit_no_update")
        schema_editor.execute("DROP TRIGGER access_audit_no_delete")
    else:
        schema_editor.execute("DROP TRIGGER access_audit_append_only ON access_audit")
        schema_editor.execute("DROP FUNCTION access_refuse_audit_change()")


class Migration(migrations.Migration):
    dependencies = [("access", "0001_first_tables")]
    operations = [migrations.RunPython(put, take)]
