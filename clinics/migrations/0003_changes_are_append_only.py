"""Who changed what is kept: the database refuses to update or delete it, whoever asks."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION clinics_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only (tried to %)', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER clinics_change_append_only BEFORE UPDATE OR DELETE ON clinics_change
    FOR EACH ROW EXECUTE FUNCTION clinics_append_only();
"""

BACKWARDS = """
DROP TRIGGER clinics_change_append_only ON clinics_change;
DROP FUNCTION clinics_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("clinics", "0002_people_and_history")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
