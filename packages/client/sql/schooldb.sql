-- The schema `schooldb`: commit slots, by which a client finds out what became of a COMMIT whose answer was lost.
-- Install once per database, as its owner or a superuser; it may be run again. Then grant it to the app's role:
--   GRANT USAGE ON SCHEMA schooldb TO the_role;
--   GRANT EXECUTE ON FUNCTION schooldb.mark(uuid, bigint), schooldb.settle(uuid, bigint) TO the_role;

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
END $$;

-- Asked after a lost COMMIT: did attempt p_seq commit? A 'no' is final, because the fence keeps the attempt from
-- committing later; a transaction that has marked and not ended yet is waited for.
CREATE OR REPLACE FUNCTION schooldb.settle(p_slot uuid, p_seq bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO schooldb.commit_slot AS c (slot, fence) VALUES (p_slot, p_seq)
    ON CONFLICT (slot) DO UPDATE SET fence = greatest(c.fence, excluded.fence), at = now()
    RETURNING c.seq >= p_seq;
$$;

REVOKE ALL ON FUNCTION schooldb.mark(uuid, bigint), schooldb.settle(uuid, bigint) FROM PUBLIC;
