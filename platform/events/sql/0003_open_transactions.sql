-- Who holds delivery back: the transaction of this id, which is still open.
--
-- pg_locks shows everybody who holds an id, in every database of the server. What pg_stat_activity tells of others' sessions
-- needs the owner's rights, hence SECURITY DEFINER: with an owner who is neither superuser nor in pg_read_all_stats, state and
-- age are null, and process, role, database and application remain.
CREATE FUNCTION platform.open_transaction(xid bigint,
                                          OUT pid integer, OUT prepared text, OUT role text, OUT application text,
                                          OUT database text, OUT state text, OUT open_seconds double precision)
RETURNS SETOF record
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l.pid, NULL, a.usename, a.application_name, a.datname, a.state, extract(epoch FROM clock_timestamp() - a.xact_start)
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'transactionid' AND l.transactionid = xid::text::xid8::xid
      AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid IS NOT NULL
    UNION ALL
    SELECT NULL, p.gid, p.owner, NULL, p.database, 'prepared', extract(epoch FROM clock_timestamp() - p.prepared)
    FROM pg_prepared_xacts p WHERE p.transaction = xid::text::xid8::xid
$$;

-- Sessions of others are the log's business only.
REVOKE ALL ON FUNCTION platform.open_transaction FROM PUBLIC;
SELECT platform.grant_if_role('bv_log', 'EXECUTE ON FUNCTION platform.open_transaction');
