-- The catalogue. SKUs sort by their bytes, as in the code: pages go on after a SKU.
CREATE TABLE {{schema}}.products (
    sku         text COLLATE "C" PRIMARY KEY,
    name        text        NOT NULL,
    description text        NOT NULL,
    category    text COLLATE "C" NOT NULL,  -- a slug; empty: none
    prices      jsonb       NOT NULL,  -- minor units by currency: {"EUR": 1999, "GBP": 1799}
    on_sale     boolean     NOT NULL,
    version     bigint      NOT NULL CHECK (version > 0),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    search      tsvector    NOT NULL GENERATED ALWAYS AS (
                    setweight(to_tsvector('pg_catalog.english', name), 'A') ||
                    setweight(to_tsvector('pg_catalog.english', sku), 'A') ||
                    setweight(to_tsvector('pg_catalog.english', description), 'C')) STORED
);
CREATE INDEX products_by_category ON {{schema}}.products (category, sku) INCLUDE (on_sale);
CREATE INDEX products_search ON {{schema}}.products USING gin (search);

-- The prices again, one row each, for lists by currency and price. Derived from products.prices.
CREATE TABLE {{schema}}.price_points (
    currency    text COLLATE "C" NOT NULL,
    sku         text COLLATE "C" NOT NULL REFERENCES {{schema}}.products ON DELETE CASCADE,
    minor_units bigint NOT NULL CHECK (minor_units > 0),
    PRIMARY KEY (sku, currency)
);
CREATE INDEX price_points_by_price ON {{schema}}.price_points (currency, minor_units, sku);

SELECT platform.create_outbox('{{schema}}');
SELECT platform.create_consumer('{{schema}}');
-- The search column is derived and long.
SELECT audit.track('{{schema}}.products', ARRAY['sku'], redact => ARRAY['search']);
