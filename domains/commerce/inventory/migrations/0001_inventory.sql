-- Stock by SKU. received − reserved − sold = available ≥ 0, kept by the table itself.
CREATE TABLE {{schema}}.stock (
    sku        text PRIMARY KEY,
    received   bigint NOT NULL DEFAULT 0,
    reserved   bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    sold       bigint NOT NULL DEFAULT 0 CHECK (sold >= 0),
    available  bigint NOT NULL GENERATED ALWAYS AS (received - reserved - sold) STORED CHECK (available >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);  -- room for HOT updates: every order touches its rows several times

-- What came in and what was adjusted: `received` is the sum of it. A delivery's reference counts once per SKU.
CREATE TABLE {{schema}}.receipts (
    reference   text   NOT NULL,
    sku         text   NOT NULL,
    quantity    bigint NOT NULL,
    reason      text   NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reference, sku)
);
CREATE INDEX receipts_by_sku ON {{schema}}.receipts (sku);

-- One row per order, with the lines as arrays: an order of a thousand lines is one row.
CREATE TABLE {{schema}}.reservations (
    order_id   uuid PRIMARY KEY,
    status     smallint NOT NULL CHECK (status BETWEEN 1 AND 5),  -- held, committed, released, rejected, expired
    skus       text[]   NOT NULL,
    quantities bigint[] NOT NULL,
    returned   bigint[] NOT NULL,
    expires_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX reservations_due ON {{schema}}.reservations (expires_at) WHERE status = 1;

SELECT platform.create_outbox('{{schema}}');
SELECT platform.create_consumer('{{schema}}');
SELECT audit.track('{{schema}}.stock', ARRAY['sku']);
SELECT audit.track('{{schema}}.receipts', ARRAY['reference', 'sku']);
SELECT audit.track('{{schema}}.reservations', ARRAY['order_id']);
