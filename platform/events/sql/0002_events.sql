-- Outbox, consumer positions and dead letters. Each service's own migration calls platform.create_outbox and
-- platform.create_consumer with its schema; the event log reads as the role bv_log.

-- Groups that retention must wait for: every subscription that ever started, in whichever process.
CREATE TABLE platform.event_groups (
    group_name    text NOT NULL,
    source        text NOT NULL,  -- the producing service's schema
    consumer      text NOT NULL,  -- the consuming service's schema
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, group_name)
);

-- Grants to a role only when it exists: a service can be migrated and tested without an event log.
CREATE FUNCTION platform.grant_if_role(grantee name, privileges text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = grantee) THEN
        EXECUTE format('GRANT %s TO %I', privileges, grantee);
    END IF;
END $$;

-- The outbox of a service. tx comes first so that the transaction has its id before it draws a position: the
-- commit-safe horizon of the log rests on that order. The sequence must not cache (a cached value is handed out late).
CREATE FUNCTION platform.create_outbox(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SEQUENCE %I.outbox_position CACHE 1 NO CYCLE', schema_name);
    EXECUTE format($ddl$
        CREATE TABLE %1$I.outbox (
            tx          xid8        NOT NULL DEFAULT pg_current_xact_id(),
            position    bigint      NOT NULL DEFAULT nextval(%2$L::regclass) PRIMARY KEY,
            id          uuid        NOT NULL UNIQUE,
            type        text        NOT NULL,
            key         text        NOT NULL,
            time        timestamptz NOT NULL DEFAULT clock_timestamp(),
            actor       text        NOT NULL DEFAULT '',
            traceparent text        NOT NULL DEFAULT '',
            payload     bytea       NOT NULL
        )$ddl$, schema_name, format('%I.outbox_position', schema_name));
    EXECUTE format('ALTER SEQUENCE %1$I.outbox_position OWNED BY %1$I.outbox.position', schema_name);
    -- Events are facts: a service appends them, whatever else it may do in its schema.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bv_' || schema_name) THEN
        EXECUTE format('REVOKE ALL ON %I.outbox FROM %I', schema_name, 'bv_' || schema_name);
    END IF;
    PERFORM platform.grant_if_role(('bv_' || schema_name)::name, format('SELECT, INSERT ON %I.outbox', schema_name));
    PERFORM platform.grant_if_role(('bv_' || schema_name)::name,
                                   format('USAGE, SELECT ON SEQUENCE %I.outbox_position', schema_name));
    PERFORM platform.grant_log_outbox(schema_name);
END $$;

-- What a consuming service keeps: a position per group and source, and the events that its handlers could not apply.
CREATE FUNCTION platform.create_consumer(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($ddl$
        CREATE TABLE %1$I.consumer_position (
            group_name text        NOT NULL,
            source     text        NOT NULL,
            position   bigint      NOT NULL DEFAULT 0,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (group_name, source)
        ) WITH (fillfactor = 20)$ddl$, schema_name);  -- rewritten by every batch: room for HOT updates
    EXECUTE format($ddl$
        CREATE TABLE %1$I.dead_letter (
            group_name      text        NOT NULL,
            source          text        NOT NULL,
            position        bigint      NOT NULL,
            id              uuid        NOT NULL,
            type            text        NOT NULL,
            key             text        NOT NULL,
            time            timestamptz NOT NULL,
            actor           text        NOT NULL,
            traceparent     text        NOT NULL,
            payload         bytea       NOT NULL,
            attempts        integer     NOT NULL,
            error           text        NOT NULL,
            state           text        NOT NULL CHECK (state IN ('failed', 'blocked', 'replayed', 'discarded')),
            first_failed_at timestamptz NOT NULL DEFAULT now(),
            last_failed_at  timestamptz NOT NULL DEFAULT now(),
            resolved_at     timestamptz,
            PRIMARY KEY (group_name, source, position)
        )$ddl$, schema_name);
    EXECUTE format($ddl$
        CREATE INDEX dead_letter_unresolved ON %1$I.dead_letter (group_name, source, key, position)
        WHERE state IN ('failed', 'blocked')$ddl$, schema_name);
    PERFORM platform.grant_if_role(('bv_' || schema_name)::name,
                                   format('SELECT, INSERT, UPDATE, DELETE ON %1$I.consumer_position, %1$I.dead_letter', schema_name));
    PERFORM platform.grant_log_consumer(schema_name);
END $$;

CREATE FUNCTION platform.grant_log_outbox(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM platform.grant_if_role('bv_log', format('USAGE ON SCHEMA %I', schema_name));
    -- DELETE is for retention.
    PERFORM platform.grant_if_role('bv_log', format('SELECT, DELETE ON %I.outbox', schema_name));
    PERFORM platform.grant_if_role('bv_log', format('SELECT ON SEQUENCE %I.outbox_position', schema_name));
END $$;

CREATE FUNCTION platform.grant_log_consumer(schema_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM platform.grant_if_role('bv_log', format('USAGE ON SCHEMA %I', schema_name));
    PERFORM platform.grant_if_role('bv_log', format('SELECT ON %I.consumer_position', schema_name));
END $$;

-- Gives bv_log all that it needs, for outboxes and consumers made before the role was.
CREATE FUNCTION platform.grant_log() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    found_schema text;
BEGIN
    PERFORM platform.grant_if_role('bv_log', 'USAGE ON SCHEMA platform');
    PERFORM platform.grant_if_role('bv_log', 'SELECT, INSERT ON platform.event_groups');
    FOR found_schema IN
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'outbox_position' AND c.relkind = 'S'
    LOOP
        PERFORM platform.grant_log_outbox(found_schema);
    END LOOP;
    FOR found_schema IN
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'consumer_position' AND c.relkind = 'r'
    LOOP
        PERFORM platform.grant_log_consumer(found_schema);
    END LOOP;
END $$;

-- One probe of the commit-safe horizon, for all sources at once.
--
-- The order of the three steps is the point, so it is a function and not one SELECT:
--   1. heads: the last position drawn from each sequence. Whoever drew one ≤ head had its transaction id before.
--   2. snapshot_xmin: every transaction before it has ended.
--   3. next_xid: the next transaction id to be given out, so an upper bound of the ids behind heads. The snapshot's own
--      xmax cannot serve: it is the last *completed* id + 1, and a running transaction may lie beyond it. age() counts
--      from the id to the server's transaction counter.
-- So heads are safe to read up to as soon as a snapshot_xmin, of this or a later probe, has reached next_xid.
-- epoch changes when the server recovered from a crash (and with each checkpoint): a sequence may then have fallen back
-- to its last committed row, which voids what earlier probes found.
CREATE FUNCTION platform.outbox_heads(sources text[],
                                      OUT heads bigint[], OUT snapshot_xmin bigint, OUT next_xid bigint, OUT epoch text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    oldest xid8;
BEGIN
    heads := ARRAY(SELECT coalesce(pg_sequence_last_value(format('%I.outbox_position', s.name)::regclass), 0)
                   FROM unnest(sources) WITH ORDINALITY AS s(name, n) ORDER BY s.n);
    oldest := pg_snapshot_xmin(pg_current_snapshot());
    snapshot_xmin := oldest::text::bigint;
    next_xid := snapshot_xmin + age(oldest::xid);
    epoch := (SELECT c.redo_lsn::text FROM pg_control_checkpoint() c);
END $$;

-- Deletes up to max_rows events of a source that are older than the cutoff and that every registered group has passed;
-- returns how many. A group without a position has passed none.
CREATE FUNCTION platform.prune_outbox(source_name text, cutoff timestamptz, max_rows integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    registered record;
    passed     bigint;
    lowest     bigint;
    deleted    bigint;
BEGIN
    FOR registered IN SELECT group_name, consumer FROM platform.event_groups WHERE source = source_name LOOP
        EXECUTE format('SELECT position FROM %I.consumer_position WHERE group_name = $1 AND source = $2', registered.consumer)
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

SELECT platform.grant_log();
