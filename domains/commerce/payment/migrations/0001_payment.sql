-- One payment per order. Amounts are minor units of the row's currency.
CREATE TABLE {{schema}}.payments (
    id                   uuid PRIMARY KEY,
    order_id             uuid NOT NULL UNIQUE,
    customer_id          uuid,  -- null: voided before it was requested
    status               text NOT NULL CHECK (status IN ('authorising', 'authorised', 'declined', 'capturing', 'captured', 'voiding',
                                                         'voided', 'refunded', 'capture_failed')),
    currency             text NOT NULL,
    amount_minor         bigint NOT NULL CHECK (amount_minor >= 0),
    captured_minor       bigint NOT NULL CHECK (captured_minor BETWEEN 0 AND amount_minor),
    refunded_minor       bigint NOT NULL CHECK (refunded_minor BETWEEN 0 AND captured_minor),
    wanted_capture_minor bigint NOT NULL,
    void_wanted          boolean NOT NULL,
    method               text NOT NULL,
    decline_reason       text NOT NULL,
    provider_reference   text NOT NULL,
    has_refunds          boolean NOT NULL,  -- spares reading them where there are none
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL
) WITH (fillfactor = 60);  -- room for HOT updates: a payment's row is written four times
CREATE INDEX payments_newest ON {{schema}}.payments (created_at DESC, id DESC);
CREATE INDEX payments_of_customer ON {{schema}}.payments (customer_id, created_at DESC, id DESC);
SELECT platform.protect_customer_rows('{{schema}}', 'payments');

CREATE TABLE {{schema}}.refunds (
    payment_id   uuid NOT NULL REFERENCES {{schema}}.payments (id),
    id           text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    state        text NOT NULL CHECK (state IN ('requested', 'settled', 'refused')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (payment_id, id)
);
ALTER TABLE {{schema}}.refunds ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_rows ON {{schema}}.refunds
    USING ((SELECT platform.sees_all_customers()) OR EXISTS (SELECT FROM {{schema}}.payments p WHERE p.id = payment_id))
    WITH CHECK ((SELECT platform.sees_all_customers()));

-- Double entry: positive is debit, negative is credit. Rows are added and never changed.
CREATE TABLE {{schema}}.ledger_entries (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid NOT NULL,
    payment_id     uuid NOT NULL REFERENCES {{schema}}.payments (id),
    account        text NOT NULL,
    currency       text NOT NULL,
    amount_minor   bigint NOT NULL CHECK (amount_minor <> 0),
    description    text NOT NULL,
    created_at     timestamptz NOT NULL,
    UNIQUE (transaction_id, account)  -- an operation is booked once
);
CREATE INDEX ledger_entries_of_payment ON {{schema}}.ledger_entries (payment_id, id);
CREATE INDEX ledger_entries_of_account ON {{schema}}.ledger_entries (account, id);
ALTER TABLE {{schema}}.ledger_entries ENABLE ROW LEVEL SECURITY;
CREATE POLICY books ON {{schema}}.ledger_entries USING ((SELECT platform.sees_all_customers()));

-- Every transaction is inserted whole, in one statement.
CREATE FUNCTION {{schema}}.check_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bad uuid;
BEGIN
    SELECT transaction_id INTO bad FROM new_rows GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', bad USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sums_to_zero AFTER INSERT ON {{schema}}.ledger_entries
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.check_ledger();
REVOKE UPDATE, DELETE, TRUNCATE ON {{schema}}.ledger_entries FROM {{role}};

-- What the provider is to do, each under its own idempotency key. See app/perform_operations.hpp for the states.
CREATE TABLE {{schema}}.operations (
    key               text PRIMARY KEY,
    payment_id        uuid NOT NULL REFERENCES {{schema}}.payments (id),
    kind              text NOT NULL CHECK (kind IN ('authorise', 'capture', 'void', 'refund')),
    refund_id         text NOT NULL,
    amount_minor      bigint NOT NULL,
    currency          text NOT NULL,
    state             text NOT NULL CHECK (state IN ('pending', 'in_flight', 'unknown', 'done')),
    attempts          integer NOT NULL DEFAULT 0,
    next_at           timestamptz NOT NULL,  -- when it is due; of one in flight: the end of its lease
    provider_sequence bigint,
    succeeded         boolean,
    traceparent       text NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX operations_due ON {{schema}}.operations (next_at) WHERE state <> 'done';
CREATE INDEX operations_of_payment ON {{schema}}.operations (payment_id);
CREATE INDEX operations_by_provider_sequence ON {{schema}}.operations (provider_sequence) WHERE provider_sequence IS NOT NULL;

-- What our books and the provider's do not agree on, once a kind and key.
CREATE TABLE {{schema}}.reconciliation_findings (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text NOT NULL,
    key      text NOT NULL,
    detail   text NOT NULL,
    mended   boolean NOT NULL,
    found_at timestamptz NOT NULL,
    UNIQUE (kind, key)
);
CREATE TABLE {{schema}}.reconciliation_cursor (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    sequence bigint NOT NULL  -- of the provider: compared up to here
);
INSERT INTO {{schema}}.reconciliation_cursor (sequence) VALUES (0);

SELECT platform.create_outbox('{{schema}}');
SELECT platform.create_consumer('{{schema}}');
SELECT audit.track('{{schema}}.payments', ARRAY['id']);
SELECT audit.track('{{schema}}.refunds', ARRAY['payment_id', 'id']);
SELECT audit.track('{{schema}}.ledger_entries', ARRAY['id']);
SELECT audit.track('{{schema}}.reconciliation_findings', ARRAY['id']);
