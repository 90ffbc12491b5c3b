-- What buyers were told: one row per outcome of an order, in the buyer's inbox. Never an address.
CREATE TABLE {{schema}}.notifications (
    id          uuid        PRIMARY KEY,
    customer_id uuid        NOT NULL,
    order_id    uuid        NOT NULL,
    kind        smallint    NOT NULL CHECK (kind BETWEEN 1 AND 3),  -- confirmed, cancelled, returned
    return_id   text        NOT NULL CHECK ((kind = 3) = (return_id <> '')),
    subject     text        NOT NULL,
    text        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    read_at     timestamptz,
    UNIQUE (order_id, kind, return_id)
);
CREATE INDEX notifications_inbox ON {{schema}}.notifications (customer_id, created_at DESC, id DESC);
SELECT platform.protect_customer_rows('{{schema}}', 'notifications');
-- What was said stays said; only "read" is added.
REVOKE UPDATE, DELETE ON {{schema}}.notifications FROM {{role}};
GRANT UPDATE (read_at) ON {{schema}}.notifications TO {{role}};

-- The e-mail of each notification. While queued, next_at is when to try (again): a claim moves it on by its lease.
CREATE TABLE {{schema}}.deliveries (
    notification_id uuid        PRIMARY KEY REFERENCES {{schema}}.notifications (id),
    status          smallint    NOT NULL DEFAULT 1 CHECK (status BETWEEN 1 AND 4),  -- queued, sent, failed, no address
    attempts        integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at         timestamptz NOT NULL,
    last_error      text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX deliveries_due ON {{schema}}.deliveries (next_at, notification_id) WHERE status = 1;
CREATE INDEX deliveries_newest ON {{schema}}.deliveries (status, created_at DESC, notification_id DESC);
REVOKE DELETE ON {{schema}}.deliveries FROM {{role}};
-- No customer sees them: the platform itself does, and auditors.
ALTER TABLE {{schema}}.deliveries ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform_only ON {{schema}}.deliveries
    USING ((SELECT platform.sees_all_customers())) WITH CHECK ((SELECT platform.sees_all_customers()));

SELECT platform.create_consumer('{{schema}}');
SELECT audit.track('{{schema}}.notifications', ARRAY['id'], redact => ARRAY['text']);
SELECT audit.track('{{schema}}.deliveries', ARRAY['notification_id']);
