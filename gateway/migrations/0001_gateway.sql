-- First answers of requests that came with an Idempotency-Key.
SELECT platform.create_idempotency_keys('{{schema}}');
