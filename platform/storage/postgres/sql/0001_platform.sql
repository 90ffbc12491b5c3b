-- What every service's schema may use: who asks, row-level security, idempotency keys, job queues.
-- The schema platform and its functions are open to all roles; tables made here belong to the service's schema.

-- Whose rows the transaction may see (storage::identity). Small and STABLE, so that they are inlined into policies.
CREATE FUNCTION platform.current_customer() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('bv.customer', true), '')::uuid $$;

CREATE FUNCTION platform.sees_all_customers() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(current_setting('bv.all_customers', true), '') = 'true' $$;

-- Who acts and in which trace: for the audit trail. The role itself outside of a unit of work.
CREATE FUNCTION platform.current_actor() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(nullif(current_setting('bv.actor', true), ''), 'role:' || session_user) $$;

CREATE FUNCTION platform.current_traceparent() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(current_setting('bv.traceparent', true), '') $$;

-- Rows of a table are seen and written by their customer, and by who sees all. The owner of the table (the migrating
-- role) is not bound, the service's role is. The sub-selects are evaluated once a statement instead of once a row.
CREATE FUNCTION platform.protect_customer_rows(schema_name text, table_name text, customer_column text DEFAULT 'customer_id')
RETURNS void LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', schema_name, table_name);
    EXECUTE format($ddl$
        CREATE POLICY customer_rows ON %1$I.%2$I
            USING ((SELECT platform.sees_all_customers()) OR %3$I = (SELECT platform.current_customer()))
            WITH CHECK ((SELECT platform.sees_all_customers()) OR %3$I = (SELECT platform.current_customer()))
        $ddl$, schema_name, table_name, customer_column);
END $$;

-- Answers to requests that carried an idempotency key. status is null while the first request runs.
CREATE FUNCTION platform.create_idempotency_keys(schema_name text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format($ddl$
        CREATE TABLE %1$I.idempotency_keys (
            caller       text        NOT NULL,
            key          text        NOT NULL,
            fingerprint  text        NOT NULL,
            claimed_at   timestamptz NOT NULL,
            lease_until  timestamptz NOT NULL,
            status       integer,
            content_type text,
            body         bytea,
            etag         text,
            PRIMARY KEY (caller, key)
        )$ddl$, schema_name);
    EXECUTE format('CREATE INDEX idempotency_keys_claimed_at ON %I.idempotency_keys (claimed_at)', schema_name);
END $$;

-- Work to be done later. A claim moves due_at on by its lease, so a job whose worker died becomes due again.
CREATE FUNCTION platform.create_job_queue(schema_name text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format($ddl$
        CREATE TABLE %1$I.jobs (
            id           uuid        PRIMARY KEY,
            queue        text        NOT NULL,
            kind         text        NOT NULL,
            payload      bytea       NOT NULL,
            actor        text        NOT NULL,
            traceparent  text        NOT NULL,
            attempts     integer     NOT NULL DEFAULT 0,
            max_attempts integer     NOT NULL CHECK (max_attempts > 0),
            due_at       timestamptz NOT NULL,
            created_at   timestamptz NOT NULL DEFAULT now(),
            dead_at      timestamptz,
            last_error   text        NOT NULL DEFAULT ''
        ) WITH (fillfactor = 70)$ddl$, schema_name);
    EXECUTE format('CREATE INDEX jobs_due ON %I.jobs (queue, due_at, id) WHERE dead_at IS NULL', schema_name);
    EXECUTE format('CREATE INDEX jobs_dead ON %I.jobs (queue, dead_at) WHERE dead_at IS NOT NULL', schema_name);
END $$;
