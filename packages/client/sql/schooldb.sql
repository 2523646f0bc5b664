-- The schema `schooldb`, version 2: commit slots, by which a client finds out what became of a COMMIT whose answer was
-- lost, and the lineage of a server, by which it tells whether a standby follows the primary that it has written to.
--
-- Install it once per database, as a superuser (lineage() reads what only such an owner may see; installed by the
-- database's owner it tells less, the rest works). It may be run again, and over an older version, at any time:
--   psql --single-transaction --set ON_ERROR_STOP=1 --file schooldb.sql
-- Then grant it to the app's role:
--   GRANT USAGE ON SCHEMA schooldb TO the_role;
--   GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA schooldb TO the_role;

DO $$
DECLARE
  v_installed integer;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(4850112);  -- two who install at the same time
  IF pg_catalog.to_regprocedure('schooldb.version()') IS NOT NULL THEN
    EXECUTE 'SELECT schooldb.version()' INTO v_installed;
    IF v_installed > 2 THEN
      RAISE EXCEPTION 'schooldb: version % is installed, which is newer than this one (2): use the newer file', v_installed;
    END IF;
  END IF;
END $$;

CREATE SCHEMA IF NOT EXISTS schooldb;
REVOKE ALL ON SCHEMA schooldb FROM PUBLIC;

-- One row for each transaction that a client may have open at the same time, used again and again. Half of each page
-- stays free, so that an update finds room beside the old version and leaves the index alone (HOT).
CREATE TABLE IF NOT EXISTS schooldb.commit_slot (
  slot  uuid PRIMARY KEY,
  seq   bigint NOT NULL DEFAULT 0,  -- the last attempt that committed
  fence bigint NOT NULL DEFAULT 0,  -- attempts up to this one can't commit any more
  at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Written in the transaction it marks, together with its COMMIT: it is there exactly if the transaction committed.
CREATE OR REPLACE FUNCTION schooldb.mark(p_slot uuid, p_seq bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_fence bigint;
BEGIN
  INSERT INTO schooldb.commit_slot AS c (slot, seq) VALUES (p_slot, p_seq)
    ON CONFLICT (slot) DO UPDATE SET seq = greatest(c.seq, excluded.seq), at = now()
    RETURNING c.fence INTO v_fence;
  IF v_fence >= p_seq THEN
    RAISE EXCEPTION 'schooldb: this attempt was fenced by a later question about its outcome' USING ERRCODE = 'SD001';
  END IF;
  -- Each slot, when it is first used, sweeps a few that nobody has used for a day: the table grows with the clients
  -- of a day and no further. Under a stricter isolation a row that somebody else has just changed would be an error.
  IF p_seq = 1 AND current_setting('transaction_isolation') = 'read committed' THEN
    DELETE FROM schooldb.commit_slot WHERE slot IN (
      SELECT slot FROM schooldb.commit_slot WHERE at < now() - interval '1 day' LIMIT 10 FOR UPDATE SKIP LOCKED);
  END IF;
END $$;

-- Asked after a lost COMMIT: did attempt p_seq commit? A 'no' is final, because the fence keeps the attempt from
-- committing later; a transaction that has marked and not ended yet is waited for.
CREATE OR REPLACE FUNCTION schooldb.settle(p_slot uuid, p_seq bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO schooldb.commit_slot AS c (slot, fence) VALUES (p_slot, p_seq)
    ON CONFLICT (slot) DO UPDATE SET fence = greatest(c.fence, excluded.fence), at = now()
    RETURNING c.seq >= p_seq;
$$;

-- Which cluster a server belongs to and which branch of its history it is on. An ordinary role can't learn that from
-- a standby, where a position in the WAL alone proves nothing: the branch may be a dead one.
CREATE OR REPLACE FUNCTION schooldb.lineage(
  OUT system_id text,
  OUT in_recovery boolean,
  OUT timeline integer,      -- of a standby: the one it streams, null while it streams none
  OUT incarnation text,      -- another one whenever shared memory was lost; the same after a promotion
  OUT switches jsonb         -- [[timeline, "where it ended"], ...]; null where it can't be told
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_history bytea;
BEGIN
  SELECT s.system_identifier::text INTO system_id FROM pg_control_system() s;
  -- The checkpointer lives exactly as long as shared memory does.
  SELECT (extract(epoch FROM a.backend_start) * 1000000)::bigint::text INTO incarnation
    FROM pg_stat_activity a WHERE a.backend_type = 'checkpointer';
  in_recovery := pg_is_in_recovery();
  IF in_recovery THEN
    SELECT w.received_tli INTO timeline FROM pg_stat_wal_receiver w WHERE w.status = 'streaming';
  ELSE
    timeline := ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
  END IF;
  IF timeline = 1 THEN
    switches := '[]';
  ELSIF timeline > 1 THEN
    BEGIN
      v_history := pg_read_binary_file('pg_wal/' || upper(lpad(to_hex(timeline), 8, '0')) || '.history', 0, 1048576, true);
    EXCEPTION WHEN insufficient_privilege THEN
      RETURN;
    END;
    -- Each line: a timeline, where the next one leaves it, and why (PostgreSQL manual, "Timelines").
    IF v_history IS NOT NULL THEN
      SELECT coalesce(jsonb_agg(jsonb_build_array(m[1]::integer, m[2]) ORDER BY m[1]::integer), '[]') INTO switches
        FROM regexp_matches(encode(v_history, 'escape'), '^\s*(\d+)\s+([0-9A-F]{1,8}/[0-9A-F]{1,8})', 'gin') AS m;
    END IF;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION schooldb.version() RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS 'SELECT 2';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA schooldb FROM PUBLIC;
