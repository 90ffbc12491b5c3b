-- The caches observe the product events, each process for itself. The group that told one of them would hold the outbox back for good.
DELETE FROM platform.event_groups WHERE source = '{{schema}}' AND group_name = 'product-cache';
DELETE FROM {{schema}}.consumer_position WHERE source = '{{schema}}' AND group_name = 'product-cache';
