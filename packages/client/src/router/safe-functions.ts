import { BUILTIN_FUNCTIONS } from './builtin-functions.ts';

/** Tells whether the function of this name, given as its words, may run on a standby and be repeated. */
export type IsSafeFunction = (name: readonly string[]) => boolean;

/**
 * The built-in functions that are known to be safe, and those that the app vouches for, under the name by which they
 * are called: `f` is not `app.f`. A name without a schema counts as the built-in of that name. The app could shadow
 * it with a function of its own, by putting pg_catalog behind that one's schema in `search_path` or by argument types
 * that fit better; no text tells that.
 */
export function safeFunctions(vouchedFor: readonly string[]): IsSafeFunction {
  const own = new Set(vouchedFor);
  return (name) => {
    const builtin = builtinName(name);
    // "a.b"() is a name of one word, and not a.b().
    const called = name.some((word) => word.includes('.')) ? '' : name.join('.');
    return own.has(called) || (builtin !== undefined && BUILTIN_FUNCTIONS.has(builtin));
  };
}

/** The name within pg_catalog, if the name can mean a built-in. */
export function builtinName(name: readonly string[]): string | undefined {
  if (name.length === 1) return name[0];
  return name.length === 2 && name[0] === 'pg_catalog' ? name[1] : undefined;
}

/**
 * Built-in functions (and those of dblink that keep a connection) that change or tell what belongs to the server's session.
 * `set_config` is one of them unless its third argument says that it is for the transaction.
 */
const OF_THE_SESSION =
  /^(?:pg_(?:try_)?advisory_(?:lock|unlock)(?:_all|_shared)?|currval|lastval|setseed|pg_backup_(?:start|stop)|pg_replication_origin_session_\w+|pg_backend_pid|pg_my_temp_schema|pg_listening_channels|pg_cursor|pg_prepared_statement|dblink_(?:connect|connect_u|disconnect|open|fetch|close|send_query|get_result|is_busy|cancel_query))$/;

export function isOfTheSession(name: readonly string[]): boolean {
  return OF_THE_SESSION.test(name.at(-1) ?? '');
}
