-- Orders as streams of events. A stream is gapless from version 1; nothing in it is ever changed.
CREATE TABLE {{schema}}.events (
    order_id    uuid        NOT NULL,
    version     bigint      NOT NULL CHECK (version > 0),
    type        text        NOT NULL,  -- "OrderPlaced"; the payload is the contract's message StreamOrderPlaced
    payload     bytea       NOT NULL,
    customer_id uuid        NOT NULL,
    at          timestamptz NOT NULL,
    actor       text        NOT NULL,
    traceparent text        NOT NULL,
    PRIMARY KEY (order_id, version)
);
REVOKE UPDATE, DELETE ON {{schema}}.events FROM {{role}};
SELECT platform.protect_customer_rows('{{schema}}', 'events');

-- The state after some version: loading folds what follows. Derived: may be deleted at any time.
CREATE TABLE {{schema}}.snapshots (
    order_id    uuid   PRIMARY KEY,
    version     bigint NOT NULL,
    customer_id uuid   NOT NULL,
    payload     bytea  NOT NULL
);
SELECT platform.protect_customer_rows('{{schema}}', 'snapshots');

-- An importer's own number for an order: one order per customer and number.
CREATE TABLE {{schema}}.external_references (
    customer_id        uuid NOT NULL,
    external_reference text NOT NULL,
    order_id           uuid NOT NULL UNIQUE,
    PRIMARY KEY (customer_id, external_reference)
);
CREATE INDEX external_references_by_text ON {{schema}}.external_references (external_reference);
REVOKE UPDATE, DELETE ON {{schema}}.external_references FROM {{role}};
SELECT platform.protect_customer_rows('{{schema}}', 'external_references');

-- What each saga under way waits for, and until when.
CREATE TABLE {{schema}}.saga (
    order_id    uuid        PRIMARY KEY,
    awaiting    smallint    NOT NULL CHECK (awaiting BETWEEN 1 AND 3),  -- stock, authorisation, capture
    deadline_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX saga_overdue ON {{schema}}.saga (deadline_at);

-- Read models. Each row is the fold of a stream up to `version`.
CREATE TABLE {{schema}}.order_summary (
    order_id           uuid        PRIMARY KEY,
    version            bigint      NOT NULL,
    customer_id        uuid        NOT NULL,
    status             smallint    NOT NULL,
    currency           text        NOT NULL,
    total              bigint      NOT NULL,
    refunded           bigint      NOT NULL,
    cancel_reason      smallint    NOT NULL,
    cancel_detail      text        NOT NULL,
    payment_id         text        NOT NULL,
    external_reference text        NOT NULL,
    ordered_at         timestamptz NOT NULL,
    placed_at          timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    -- What the order adds to daily_sales at this version.
    sold_orders        bigint      NOT NULL,
    sold_units         bigint      NOT NULL,
    sold_revenue       bigint      NOT NULL,
    sold_refunded      bigint      NOT NULL
) WITH (fillfactor = 60);  -- room for HOT updates: no index holds what changes
CREATE INDEX order_summary_by_customer ON {{schema}}.order_summary (customer_id, ordered_at DESC, order_id DESC);
CREATE INDEX order_summary_by_time ON {{schema}}.order_summary (ordered_at DESC, order_id DESC);
SELECT platform.protect_customer_rows('{{schema}}', 'order_summary');

CREATE TABLE {{schema}}.order_detail (
    order_id    uuid   PRIMARY KEY,
    version     bigint NOT NULL,
    customer_id uuid   NOT NULL,
    document    bytea  NOT NULL  -- the contract's message Order
) WITH (fillfactor = 60);
SELECT platform.protect_customer_rows('{{schema}}', 'order_detail');

CREATE TABLE {{schema}}.daily_sales (
    day      date   NOT NULL,  -- of ordered_at, in UTC
    currency text   NOT NULL,
    orders   bigint NOT NULL,
    units    bigint NOT NULL,
    revenue  bigint NOT NULL,
    refunded bigint NOT NULL,
    PRIMARY KEY (day, currency)
) WITH (fillfactor = 50);
ALTER TABLE {{schema}}.daily_sales ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_customers ON {{schema}}.daily_sales
    USING ((SELECT platform.sees_all_customers())) WITH CHECK ((SELECT platform.sees_all_customers()));

-- A rebuild empties them.
GRANT TRUNCATE ON {{schema}}.order_summary, {{schema}}.order_detail, {{schema}}.daily_sales TO {{role}};

SELECT platform.create_outbox('{{schema}}');
SELECT platform.create_consumer('{{schema}}');
SELECT audit.track('{{schema}}.events', ARRAY['order_id', 'version'], ARRAY['payload']);
SELECT audit.track('{{schema}}.external_references', ARRAY['customer_id', 'external_reference']);
