-- Schemas of events in a schema registry, and dead letters that are told to a topic.

-- What the registry answered: the id that records carry, of which subject and version it is, and its text. fingerprint: of the text
-- and of what it refers to. Never deleted: records may be kept for longer than anybody knows.
CREATE TABLE platform.event_schema (
    subject     text        NOT NULL,
    fingerprint text        NOT NULL,
    id          integer     NOT NULL,
    version     integer     NOT NULL,
    schema      text        NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, fingerprint)
);
CREATE INDEX event_schema_id ON platform.event_schema (id);

-- Where the record of a dead letter stands in its source's topic, when one carried it; and when it was told to the dead letters' topic.
CREATE FUNCTION platform.add_dead_letter_records(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I.dead_letter ADD COLUMN record_partition integer, ADD COLUMN record_offset bigint, ADD COLUMN told_at timestamptz',
                   schema_name);
    EXECUTE format('CREATE INDEX dead_letter_untold ON %I.dead_letter (group_name, source, position) WHERE told_at IS NULL AND record_partition IS NOT NULL',
                   schema_name);
END $$;

DO $$
DECLARE
    found_schema text;
BEGIN
    FOR found_schema IN
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'consumer_partition' AND c.relkind = 'r'
    LOOP
        PERFORM platform.add_dead_letter_records(found_schema);
    END LOOP;
END $$;

ALTER FUNCTION platform.create_consumer(text) RENAME TO create_consumer_of_partitions;
CREATE FUNCTION platform.create_consumer(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM platform.create_consumer_of_partitions(schema_name);
    PERFORM platform.add_dead_letter_records(schema_name);
END $$;

-- For a bv_log that is made after the tables were.
ALTER FUNCTION platform.grant_log() RENAME TO grant_log_partitioned;
CREATE FUNCTION platform.grant_log() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM platform.grant_log_partitioned();
    PERFORM platform.grant_if_role('bv_log', 'SELECT, INSERT ON platform.event_schema');
END $$;

SELECT platform.grant_log();
