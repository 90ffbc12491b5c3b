-- E-mails are sent as jobs (platform/jobs): the queue knows when one is due, and a delivery what became of it.
SELECT platform.create_jobs('{{schema}}');
INSERT INTO {{schema}}.jobs (id, queue, kind, payload, traceparent, attempts, due_at, created_at, last_error)
SELECT notification_id, 'mail', 'deliver_mail', '', '', attempts, next_at, created_at, last_error FROM {{schema}}.deliveries WHERE status = 1;
DROP INDEX {{schema}}.deliveries_due;
-- Kept, because the audit trail has it in the rows of the time before.
ALTER TABLE {{schema}}.deliveries ALTER COLUMN next_at DROP NOT NULL;
COMMENT ON COLUMN {{schema}}.deliveries.next_at IS 'not used: the job says when';
