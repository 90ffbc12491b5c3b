-- Who changed which business row, when, and in which trace. Append-only, one partition a month.
CREATE TABLE {{schema}}.entries (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL DEFAULT now(),
    table_name text     NOT NULL,
    row_key    text     NOT NULL,
    operation  smallint NOT NULL CHECK (operation BETWEEN 1 AND 3),  -- insert, update, delete
    actor      text     NOT NULL,
    trace_id   text,
    old_values jsonb,
    new_values jsonb,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX entries_by_row ON {{schema}}.entries (table_name, row_key);
CREATE INDEX entries_by_trace ON {{schema}}.entries (trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX entries_by_time ON {{schema}}.entries USING brin (at);

-- The tables that are tracked: what `bv verify` compares the entries with.
CREATE TABLE {{schema}}.tracked (
    table_name text   PRIMARY KEY,
    key        text[] NOT NULL,
    redacted   text[] NOT NULL
);

-- Makes the partitions of this month and of `ahead` months to come. Returns how many were missing.
CREATE FUNCTION {{schema}}.ensure_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    first date := date_trunc('month', now() AT TIME ZONE 'UTC');
    name  text;
    made  integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit.ensure_partitions'));
    FOR i IN 0..ahead LOOP
        name := 'entries_' || to_char(first + make_interval(months => i), 'YYYY_MM');
        IF to_regclass('{{schema}}.' || name) IS NULL THEN
            EXECUTE format('CREATE TABLE {{schema}}.%I PARTITION OF {{schema}}.entries FOR VALUES FROM (%L) TO (%L)', name,
                           (first + make_interval(months => i))::date::text || ' 00:00:00+00',
                           (first + make_interval(months => i + 1))::date::text || ' 00:00:00+00');
            EXECUTE format('REVOKE ALL ON {{schema}}.%I FROM PUBLIC, {{role}}', name);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

-- Tracks every insert, update and delete of a table from now on. `key`: the columns that identify a row.
-- `redact`: columns that are large or secret; their SHA-256 is kept instead of their value.
-- Statement-level triggers: one INSERT … SELECT for all the rows that a statement touched.
CREATE FUNCTION {{schema}}.track(tracked regclass, key text[], redact text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    table_name text := (SELECT format('%s.%s', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tracked);
    fn         text := replace(table_name, '.', '_');
    key_of     text := (SELECT string_agg(format('%%1$s.%I::text', k), ' || ''/'' || ' ORDER BY o) FROM unnest(key) WITH ORDINALITY AS x(k, o));
    same_key   text := (SELECT string_agg(format('n.%I = o.%I', k, k), ' AND ') FROM unnest(key) AS k);
    image      text := 'to_jsonb(%1$s)';
    -- One transaction may serve many callers: a row that names its own actor and trace is believed.
    own        text[] := ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = tracked AND attname IN ('actor', 'traceparent') AND NOT attisdropped);
    actor      text := CASE WHEN 'actor' = ANY (own) THEN '%1$s.actor'
                            ELSE $c$coalesce(nullif(current_setting('bv.actor', true), ''), 'database:' || session_user)$c$ END;
    trace      text := CASE WHEN 'traceparent' = ANY (own) THEN $c$nullif(split_part(%1$s.traceparent, '-', 2), '')$c$
                            ELSE $c$nullif(split_part(current_setting('bv.traceparent', true), '-', 2), '')$c$ END;
    context    text := actor || ', ' || trace;
    target     text := 'INSERT INTO {{schema}}.entries (table_name, row_key, operation, actor, trace_id, old_values, new_values)';
    hidden     text;
BEGIN
    FOREACH hidden IN ARRAY redact LOOP
        image := format('%s || jsonb_build_object(%L, encode(sha256(convert_to(%%1$s.%I::text, ''UTF8'')), ''hex''))', image, hidden, hidden);
    END LOOP;

    EXECUTE format($f$
        CREATE FUNCTION {{schema}}.%1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $t$
        BEGIN
            %2$s SELECT %3$L, %4$s, 1, %5$s, NULL, %6$s FROM new_rows n;
            RETURN NULL;
        END $t$ $f$, fn || '_inserted', target, table_name, format(key_of, 'n'), format(context, 'n'), format(image, 'n'));
    EXECUTE format($f$
        CREATE FUNCTION {{schema}}.%1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $t$
        BEGIN
            %2$s SELECT %3$L, %4$s, 2, %5$s, %6$s, %7$s FROM new_rows n JOIN old_rows o ON %8$s;
            RETURN NULL;
        END $t$ $f$, fn || '_updated', target, table_name, format(key_of, 'n'), format(context, 'n'), format(image, 'o'), format(image, 'n'), same_key);
    EXECUTE format($f$
        CREATE FUNCTION {{schema}}.%1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $t$
        BEGIN
            %2$s SELECT %3$L, %4$s, 3, %5$s, %6$s, NULL FROM old_rows o;
            RETURN NULL;
        END $t$ $f$, fn || '_deleted', target, table_name, format(key_of, 'o'), format(context, 'o'), format(image, 'o'));

    EXECUTE format('CREATE TRIGGER audit_inserted AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.%I()', tracked, fn || '_inserted');
    EXECUTE format('CREATE TRIGGER audit_updated AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.%I()', tracked, fn || '_updated');
    EXECUTE format('CREATE TRIGGER audit_deleted AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.%I()', tracked, fn || '_deleted');
    INSERT INTO {{schema}}.tracked VALUES (table_name, key, redact);
END $$;

SELECT {{schema}}.ensure_partitions(3);

-- Nobody changes history, not even the service that shows it.
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {{schema}}.entries, {{schema}}.tracked FROM PUBLIC, {{role}};
GRANT SELECT ON {{schema}}.entries, {{schema}}.tracked TO {{role}};
REVOKE ALL ON FUNCTION {{schema}}.track(regclass, text[], text[]), {{schema}}.ensure_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {{schema}}.ensure_partitions(integer) TO {{role}};
