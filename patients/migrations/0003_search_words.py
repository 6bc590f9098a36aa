"""Patients are found through a table of their words, which triggers keep, instead of one text search index.

A B-tree has the words of one clinic that begin alike side by side, and in an order; a GIN index has neither.
"""

import django.db.models.deletion
from django.db import migrations, models

# Words as of the text search column that was: what is found by it goes on being found.
FUNCTION = r"""
CREATE FUNCTION patients_words(said text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN tsvector_to_array(to_tsvector('simple', regexp_replace(said, '\W+', ' ', 'g')));
"""

# For what is put in the place of {rows}; a phone number is also one word.
WRITE = """
INSERT INTO patients_searchword (patient_id, clinic_id, word)
SELECT id, clinic_id, unnest(patients_words(concat_ws(
    ' ', given_name, family_name, mrn, phone, regexp_replace(phone, '[^0-9]+', '', 'g')
))) FROM {rows};
"""

# Of both, what the other has not.
CHANGED = """(
            SELECT id, clinic_id, given_name, family_name, mrn, phone FROM {these}
            EXCEPT SELECT id, clinic_id, given_name, family_name, mrn, phone FROM {others}
        ) AS changed"""
BEFORE = CHANGED.format(these="old_rows", others="new_rows")
AFTER = CHANGED.format(these="new_rows", others="old_rows")

# EXECUTE plans a delete for the rows at hand: a kept plan would be the one of the session's first statement.
TRIGGERS = f"""
CREATE FUNCTION patients_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        {WRITE.format(rows="new_rows")}
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE 'DELETE FROM patients_searchword USING old_rows WHERE patient_id = id';
    ELSE
        EXECUTE 'DELETE FROM patients_searchword USING {BEFORE} WHERE patient_id = id';
        {WRITE.format(rows=AFTER)}
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER patients_words_of_new AFTER INSERT ON patients_patient
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION patients_keep_words();
CREATE TRIGGER patients_words_of_changed AFTER UPDATE ON patients_patient
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION patients_keep_words();
CREATE TRIGGER patients_words_of_deleted AFTER DELETE ON patients_patient
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION patients_keep_words();
"""  # noqa: S608  put together from this module alone

NO_TRIGGERS = """
DROP TRIGGER patients_words_of_new ON patients_patient;
DROP TRIGGER patients_words_of_changed ON patients_patient;
DROP TRIGGER patients_words_of_deleted ON patients_patient;
DROP FUNCTION patients_keep_words();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("clinics", "0003_changes_are_append_only"),
        ("patients", "0002_contacts_and_transfers"),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION patients_words(text)"),
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "patient_id", "word", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("word", models.TextField(db_collation="C")),
                (
                    "patient",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="words",
                        to="patients.patient",
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="clinics.clinic",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(WRITE.format(rows="patients_patient"), migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="searchword",
            index=models.Index(fields=["clinic", "word", "patient"], name="searchword_of_clinic"),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=models.Index(fields=["word", "patient"], name="searchword_of_all"),
        ),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
        migrations.RemoveIndex(model_name="patient", name="patient_search"),
        migrations.RemoveField(model_name="patient", name="search"),
    ]
