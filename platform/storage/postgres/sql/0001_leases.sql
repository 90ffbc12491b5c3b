-- Leases of a service (platform/storage/lease.hpp), in its own schema: a transaction of the service can ask whether it still has one.
--
-- UNIQUE (name, fence) is not for looking up. Who takes a lease over changes the fence, and a change of a unique key locks the
-- row against FOR KEY SHARE, which an effect's transaction holds until it ends. A renewal changes expires_at only, and waits
-- for no such transaction.
CREATE FUNCTION platform.create_leases(schema_name text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format($ddl$
        CREATE TABLE %1$I.leases (
            name       text        NOT NULL PRIMARY KEY,
            owner      text        NOT NULL,
            fence      bigint      NOT NULL,
            expires_at timestamptz NOT NULL,
            UNIQUE (name, fence)
        ) WITH (fillfactor = 20)$ddl$, schema_name);  -- rewritten by every renewal: room for HOT updates
END $$;
