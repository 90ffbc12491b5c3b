-- A group's position remembers the highest fence under which it was taken (platform/storage/lease.hpp), and is moved by no lower one:
-- an instance that stood still for longer than its lease changes nothing when it wakes.
CREATE FUNCTION platform.add_consumer_fence(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I.consumer_position ADD COLUMN fence bigint NOT NULL DEFAULT 0', schema_name);
END $$;

ALTER FUNCTION platform.create_consumer(text) RENAME TO create_consumer_tables;
CREATE FUNCTION platform.create_consumer(schema_name text) RETURNS void
LANGUAGE sql AS $$
    SELECT platform.create_consumer_tables(schema_name);
    SELECT platform.add_consumer_fence(schema_name);
$$;

-- Consumers that are there already.
DO $$
DECLARE
    found_schema text;
BEGIN
    FOR found_schema IN
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'consumer_position' AND c.relkind = 'r'
    LOOP
        PERFORM platform.add_consumer_fence(found_schema);
    END LOOP;
END $$;
