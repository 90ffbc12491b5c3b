-- Work to be done later: the table of platform/jobs, in a service's schema.
DROP FUNCTION platform.create_job_queue(text);

-- A row is a job that is not done. due_at is when it may be claimed: a claim moves it on by its lease, so a job whose worker died
-- is due again. told_at: when a broker has taken a message that says so; null while none was told, or where there is no broker.
CREATE FUNCTION platform.create_jobs(schema_name text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format($ddl$
        CREATE TABLE %1$I.jobs (
            id           uuid        PRIMARY KEY,
            queue        text        NOT NULL,
            kind         text        NOT NULL,
            payload      bytea       NOT NULL,
            traceparent  text        NOT NULL,
            attempts     integer     NOT NULL DEFAULT 0,
            due_at       timestamptz NOT NULL,
            told_at      timestamptz,
            created_at   timestamptz NOT NULL DEFAULT now(),
            dead_at      timestamptz,
            last_error   text        NOT NULL DEFAULT ''
        ) WITH (fillfactor = 70)$ddl$, schema_name);
    -- Each row is in one of them.
    EXECUTE format('CREATE INDEX jobs_due ON %I.jobs (queue, due_at, id) WHERE dead_at IS NULL AND told_at IS NULL', schema_name);
    EXECUTE format('CREATE INDEX jobs_told ON %I.jobs (queue, due_at, id) WHERE dead_at IS NULL AND told_at IS NOT NULL', schema_name);
    EXECUTE format('CREATE INDEX jobs_dead ON %I.jobs (queue, dead_at, id) WHERE dead_at IS NOT NULL', schema_name);
END $$;
