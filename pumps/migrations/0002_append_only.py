"""The ledger is append-only: the database refuses to update, delete or truncate events, whoever asks.

Grants would not bind the tables' owner, so a trigger says it. Prior versions are never changed either, since stored
forecasts name them.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION pumps_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: record a correction instead (tried to %)', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER pumps_event_append_only BEFORE UPDATE OR DELETE ON pumps_event
    FOR EACH ROW EXECUTE FUNCTION pumps_append_only();
CREATE TRIGGER pumps_event_no_truncate BEFORE TRUNCATE ON pumps_event
    FOR EACH STATEMENT EXECUTE FUNCTION pumps_append_only();
CREATE TRIGGER pumps_priorversion_append_only BEFORE UPDATE OR DELETE ON pumps_priorversion
    FOR EACH ROW EXECUTE FUNCTION pumps_append_only();
"""

BACKWARDS = """
DROP TRIGGER pumps_priorversion_append_only ON pumps_priorversion;
DROP TRIGGER pumps_event_no_truncate ON pumps_event;
DROP TRIGGER pumps_event_append_only ON pumps_event;
DROP FUNCTION pumps_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("pumps", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
