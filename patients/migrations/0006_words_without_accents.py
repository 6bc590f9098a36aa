"""A patient is found without accents, and by the last digits of a phone number.

Both the stored words and those of a search go through `patients_words`, so folding there folds both.
"""

from importlib import import_module

from django.db import migrations

before = import_module("patients.migrations.0003_search_words")

# Accents are taken off letters; letters that stand for two are written as two.
WORDS = r"""
CREATE OR REPLACE FUNCTION patients_words(said text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN tsvector_to_array(to_tsvector('simple', regexp_replace(
    translate(
        replace(replace(replace(replace(
            normalize(regexp_replace(normalize(lower(said), NFD), '[\u0300-\u036f]+', '', 'g'), NFC),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
        'łøđðħıŋ', 'loddhin'),
    '\W+', ' ', 'g')));
"""
WORDS_BEFORE = before.FUNCTION.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")

# A phone number is also one word, and, behind a sign no other word holds, one from its end.
WRITE = """
INSERT INTO patients_searchword (patient_id, clinic_id, word)
SELECT id, clinic_id, unnest(
    patients_words(concat_ws(' ', given_name, family_name, mrn, phone, regexp_replace(phone, '[^0-9]+', '', 'g')))
    || CASE WHEN phone ~ '[0-9]'
       THEN ARRAY['<' || reverse(regexp_replace(phone, '[^0-9]+', '', 'g'))] ELSE '{{}}'::text[] END
) FROM {rows};
"""

KEEP = """
CREATE OR REPLACE FUNCTION patients_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        {new}
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE 'DELETE FROM patients_searchword USING old_rows WHERE patient_id = id';
    ELSE
        EXECUTE 'DELETE FROM patients_searchword USING {before} WHERE patient_id = id';
        {after}
    END IF;
    RETURN NULL;
END $$;
"""


def keeping(write: str) -> str:
    return KEEP.format(new=write.format(rows="new_rows"), before=before.BEFORE, after=write.format(rows=before.AFTER))


ANEW = "DELETE FROM patients_searchword;"


class Migration(migrations.Migration):
    dependencies = [("patients", "0005_unsubscribed")]

    operations = [
        migrations.RunSQL(
            WORDS + keeping(WRITE) + ANEW + WRITE.format(rows="patients_patient"),
            WORDS_BEFORE + keeping(before.WRITE) + ANEW + before.WRITE.format(rows="patients_patient"),
        ),
    ]
