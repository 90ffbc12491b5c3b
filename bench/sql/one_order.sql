-- What the order service runs to place one order (domains/commerce/order/adapters), with arrays of one.
-- (pgbench takes every colon before a letter for a variable of its own, in literals too: they are written \x3a.)
\set a random(1, 9000000000000000000)
\set b random(1, 9000000000000000000)
BEGIN;
SELECT set_config('bv.actor', E'service\x3aorders', true), set_config('bv.customer', '', true), set_config('bv.all_customers', 'true', true), set_config('bv.traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true);
INSERT INTO orders.events (order_id, version, type, payload, customer_id, at, actor, traceparent) SELECT * FROM unnest(ARRAY[md5(:a::text)::uuid], '{1}'::bigint[], '{OrderPlaced}'::text[], ARRAY[decode(repeat('ab', :event_bytes::int), 'hex')], ARRAY[md5(:b::text)::uuid], ARRAY[now()], E'{user\x3a0190b8a4-0000-7000-8000-000000000001}'::text[], '{00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01}'::text[]) ON CONFLICT (order_id, version) DO NOTHING;
INSERT INTO orders.outbox (id, type, key, actor, traceparent, payload) SELECT e.id, e.type, e.key, coalesce(current_setting('bv.actor', true), ''), coalesce(nullif(e.traceparent, ''), current_setting('bv.traceparent', true), ''), e.payload FROM unnest(ARRAY[md5(:a::text || 'e')::uuid], '{bitvelocity.commerce.order.v1.OrderPlaced}'::text[], ARRAY[md5(:a::text)::uuid::text], '{00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01}'::text[], ARRAY[decode(repeat('ab', :message_bytes::int), 'hex')]) WITH ORDINALITY AS e(id, type, key, traceparent, payload, n) ORDER BY e.n;
INSERT INTO orders.saga (order_id, awaiting, deadline_at) SELECT * FROM unnest(ARRAY[md5(:a::text)::uuid], '{1}'::smallint[], ARRAY[now() + interval '30 s']) ON CONFLICT (order_id) DO UPDATE SET awaiting = excluded.awaiting, deadline_at = excluded.deadline_at;
COMMIT;
