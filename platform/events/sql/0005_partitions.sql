-- Event logs with partitions (Kafka): what a consumer keeps for each partition, how far the relay of each source is, and, for
-- whoever asks, what a group has passed, whichever log carries its events.

-- The relay's position: every event up to it is in the log for good. fence: of the lease under which it was last moved; a relay
-- with an older one is no longer the owner.
CREATE TABLE platform.event_relay (
    source     text        PRIMARY KEY,  -- the producing service's schema
    position   bigint      NOT NULL DEFAULT 0,
    fence      bigint      NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20);

-- position: every event of the source that lies in this partition and whose outbox position is at or below is applied.
-- next_offset: where to go on reading. Both move together, in the transaction of the effects.
-- consumer_passed: every event of the source up to this position is applied.
CREATE FUNCTION platform.create_consumer_partitions(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($ddl$
        CREATE TABLE %1$I.consumer_partition (
            group_name  text        NOT NULL,
            source      text        NOT NULL,
            partition   integer     NOT NULL,
            position    bigint      NOT NULL DEFAULT 0,
            next_offset bigint      NOT NULL DEFAULT 0,
            updated_at  timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (group_name, source, partition)
        ) WITH (fillfactor = 20)$ddl$, schema_name);
    EXECUTE format($ddl$
        CREATE VIEW %1$I.consumer_passed AS
        SELECT c.group_name, c.source,
               greatest(c.position, (SELECT min(p.position) FROM %1$I.consumer_partition p
                                     WHERE p.group_name = c.group_name AND p.source = c.source)) AS position
        FROM %1$I.consumer_position c$ddl$, schema_name);
    PERFORM platform.grant_if_role(('bv_' || schema_name)::name,
                                   format('SELECT, INSERT, UPDATE, DELETE ON %I.consumer_partition', schema_name));
    PERFORM platform.grant_if_role(('bv_' || schema_name)::name, format('SELECT ON %I.consumer_passed', schema_name));
    PERFORM platform.grant_log_partitions(schema_name);
END $$;

CREATE FUNCTION platform.grant_log_partitions(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM platform.grant_if_role('bv_log', format('SELECT ON %1$I.consumer_partition, %1$I.consumer_passed', schema_name));
END $$;

-- For the schemas that have consumers already; those to come get it with platform.create_consumer.
DO $$
DECLARE
    found_schema text;
BEGIN
    FOR found_schema IN
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'consumer_position' AND c.relkind = 'r'
    LOOP
        PERFORM platform.create_consumer_partitions(found_schema);
    END LOOP;
END $$;

ALTER FUNCTION platform.create_consumer(text) RENAME TO create_consumer_unpartitioned;
CREATE FUNCTION platform.create_consumer(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM platform.create_consumer_unpartitioned(schema_name);
    PERFORM platform.create_consumer_partitions(schema_name);
END $$;

-- For a bv_log that is made after the tables were.
ALTER FUNCTION platform.grant_log() RENAME TO grant_log_tables;
CREATE FUNCTION platform.grant_log() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    found_schema text;
BEGIN
    PERFORM platform.grant_log_tables();
    PERFORM platform.grant_if_role('bv_log', 'SELECT, INSERT, UPDATE ON platform.event_relay, platform.leases');
    FOR found_schema IN
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'consumer_partition' AND c.relkind = 'r'
    LOOP
        PERFORM platform.grant_log_partitions(found_schema);
    END LOOP;
END $$;

-- Where each source ends and what each group has passed of it: how far behind they are. A group without a position: 0.
CREATE FUNCTION platform.event_progress(groups text[], sources text[], consumers text[], OUT heads bigint[], OUT passed bigint[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
    one bigint;
BEGIN
    heads := '{}';
    passed := '{}';
    FOR i IN 1 .. coalesce(cardinality(groups), 0) LOOP
        EXECUTE format('SELECT coalesce(max(position), 0) FROM %I.outbox', sources[i]) INTO one;
        heads := heads || one;
        one := NULL;
        EXECUTE format('SELECT position FROM %I.consumer_passed WHERE group_name = $1 AND source = $2', consumers[i])
            INTO one USING groups[i], sources[i];
        passed := passed || coalesce(one, 0);
    END LOOP;
END $$;

-- Has a group apply the events of a source again from a time on, whichever log carries them; from where: the position before the
-- first of them. For effects that may be repeated. Instances that run notice with their next event.
CREATE FUNCTION platform.rewind_group(consumer text, group_to_rewind text, source_name text, since timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
BEGIN
    EXECUTE format('SELECT coalesce((SELECT max(position) FROM %1$I.outbox WHERE time < $1), (SELECT min(position) - 1 FROM %1$I.outbox), 0)', source_name)
        INTO before USING since;
    EXECUTE format('UPDATE %I.consumer_position SET position = $3 WHERE group_name = $1 AND source = $2 AND position > $3', consumer)
        USING group_to_rewind, source_name, before;
    EXECUTE format('UPDATE %I.consumer_partition SET position = $3, next_offset = 0 WHERE group_name = $1 AND source = $2 AND position > $3', consumer)
        USING group_to_rewind, source_name, before;
    RETURN before;
END $$;
REVOKE ALL ON FUNCTION platform.rewind_group FROM PUBLIC;

-- As before, by what groups have passed whichever log carries their events. What a relay has not sent yet, nobody has passed.
CREATE OR REPLACE FUNCTION platform.prune_outbox(source_name text, cutoff timestamptz, max_rows integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    registered record;
    passed     bigint;
    lowest     bigint;
    deleted    bigint;
BEGIN
    FOR registered IN SELECT group_name, consumer FROM platform.event_groups WHERE source = source_name LOOP
        EXECUTE format('SELECT position FROM %I.consumer_passed WHERE group_name = $1 AND source = $2', registered.consumer)
            INTO passed USING registered.group_name, source_name;
        lowest := least(lowest, coalesce(passed, 0));  -- least() ignores null
    END LOOP;
    EXECUTE format($dml$
        DELETE FROM %1$I.outbox WHERE position IN (
            SELECT o.position FROM (SELECT position, time FROM %1$I.outbox
                                    WHERE position <= $1 ORDER BY position LIMIT $3) o
            WHERE o.time < $2)$dml$, source_name)
        USING coalesce(lowest, 9223372036854775807), cutoff, max_rows;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$;

-- Who relays what (platform/storage/lease.hpp).
SELECT platform.create_leases('platform');

SELECT platform.grant_log();
