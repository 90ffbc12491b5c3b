-- People's accounts. Personal data is encrypted (bytea, a key id in each value); equality is searched by a keyed hash.
CREATE TABLE {{schema}}.accounts (
    id                 uuid PRIMARY KEY,
    email              bytea,
    email_index        bytea UNIQUE,
    display_name       bytea,
    country            text   NOT NULL DEFAULT '',
    external_reference text UNIQUE,
    password_hash      text,
    roles              text[] NOT NULL,
    version            bigint NOT NULL DEFAULT 1,
    tokens_valid_from  timestamptz,  -- access tokens issued until then are not good: roles changed
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CHECK ((email IS NULL) = (email_index IS NULL)),
    CHECK (email IS NOT NULL OR external_reference IS NOT NULL)
);
CREATE INDEX accounts_by_tokens_valid_from ON {{schema}}.accounts (tokens_valid_from) WHERE tokens_valid_from IS NOT NULL;

-- Refresh token families. A token has two parts: the family's, which stays, and its own, which changes at each use.
-- The right family with another token than the current one is a token used twice.
CREATE TABLE {{schema}}.sessions (
    id          uuid PRIMARY KEY,
    account_id  uuid  NOT NULL REFERENCES {{schema}}.accounts (id),
    family_hash bytea NOT NULL UNIQUE,
    token_hash  bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE INDEX sessions_open ON {{schema}}.sessions (account_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON {{schema}}.sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_by_expiry ON {{schema}}.sessions (expires_at);

CREATE TABLE {{schema}}.api_keys (
    id          uuid PRIMARY KEY,
    label       text   NOT NULL,
    secret_hash bytea  NOT NULL,
    roles       text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    last_use_at timestamptz,  -- to within some minutes
    revoked_at  timestamptz
);
CREATE INDEX api_keys_by_revocation ON {{schema}}.api_keys (revoked_at) WHERE revoked_at IS NOT NULL;

-- Failed log-ins by a keyed hash of the e-mail or the address.
CREATE TABLE {{schema}}.login_throttle (
    subject       bytea PRIMARY KEY,
    failures      integer     NOT NULL DEFAULT 0,
    blocked_until timestamptz NOT NULL,
    last_attempt  timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX login_throttle_by_age ON {{schema}}.login_throttle (last_attempt);

SELECT platform.protect_customer_rows('{{schema}}', 'accounts', 'id');
SELECT platform.protect_customer_rows('{{schema}}', 'sessions', 'account_id');
SELECT platform.create_outbox('{{schema}}');
SELECT platform.create_consumer('{{schema}}');
SELECT audit.track('{{schema}}.accounts', ARRAY['id'], redact => ARRAY['password_hash']);
SELECT audit.track('{{schema}}.sessions', ARRAY['id'], redact => ARRAY['family_hash', 'token_hash']);
SELECT audit.track('{{schema}}.api_keys', ARRAY['id'], redact => ARRAY['secret_hash']);
