/** What a client that trusts transaction ids would ask; no sound one does. Imports nothing: mutations hold these texts. */
export const XID_TEXTS = {
  xid: 'SELECT pg_current_xact_id()::text AS xid',
  status: 'SELECT pg_xact_status($1::xid8) AS status',
} as const;
