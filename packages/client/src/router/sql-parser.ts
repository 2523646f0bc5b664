/** PostgreSQL's own parser (libpg_query in WebAssembly, grammar 18). Nothing else imports the package. */

/** Longer texts are not parsed: at this length it takes about 20 ms, in which nothing else runs. In characters. */
export const MAX_PARSED_LENGTH = 100_000;

/**
 * The WebAssembly code works on the stack of JavaScript, and a text that is nested too deeply overflows it. The
 * overflow can be caught, but leaves the parser's memory in disorder; so such texts are kept away from it. With the
 * stack that Node gives by default, the shortest text that was found to overflow it has 8,459 characters, and the one
 * with the fewest words, operators and brackets has 3,195 of them (`SELECT (SELECT (SELECT …`; Node 22, 24 and 26).
 * Shorter texts are not counted; a long IN list and a long row of OR have few of them, or are not nested.
 */
const ALWAYS_SHALLOW_LENGTH = 6_000;
const MAX_LEVELS = 2_000;
const MAY_OPEN_A_LEVEL = /[([]|[a-z_]\w*|[-+*/<>=~!@#%^&|`?]+|::/gi;

/** The text is not SQL as this grammar knows it. The message never quotes it: it may hold the app's values. */
export class SqlNotParsedError extends Error {
  override readonly name = 'SqlNotParsedError';
}

/**
 * Gives the syntax tree of a text as libpg_query writes it: `{ stmts: [{ stmt: { SelectStmt: { … } } }] }`.
 * @throws SqlNotParsedError
 */
export type ParseSql = (text: string) => unknown;

/** One instance of the WebAssembly module serves the process, and so does this. */
let loading: Promise<ParseSql> | undefined;

/** Loads the parser when it is called first: some 1.8 MB from the disk, tens of milliseconds. Rejects if it is missing. */
export function loadSqlParser(): Promise<ParseSql> {
  loading ??= load();
  return loading;
}

async function load(): Promise<ParseSql> {
  const { hasSqlDetails, loadModule, parseSync } = await import('libpg-query');
  await loadModule();
  let failure: string | undefined;
  return (text) => {
    if (failure !== undefined) throw new SqlNotParsedError(failure);
    refuseUnfit(text);
    // The package takes an empty text for a mistake of its caller.
    if (text === '') return { stmts: [] };
    try {
      return parseSync(text);
    } catch (error) {
      if (hasSqlDetails(error)) {
        throw new SqlNotParsedError(
          `is refused by the parser at character ${(error.sqlDetails?.cursorPosition ?? 0) + 1}`,
        );
      }
      // Whatever this was, it happened inside the parser: its later answers could be wrong without a sign.
      failure = `is not parsed, since the parser has failed: ${error instanceof Error ? error.message : String(error)}`;
      throw new SqlNotParsedError(failure);
    }
  };
}

function refuseUnfit(text: string): void {
  if (text.length > MAX_PARSED_LENGTH) {
    throw new SqlNotParsedError(`has more than ${MAX_PARSED_LENGTH} characters`);
  }
  // The parser would see the text up to here, and nothing of what follows.
  if (text.includes('\0')) throw new SqlNotParsedError('holds a NUL character');
  if (text.length > ALWAYS_SHALLOW_LENGTH && levelsAtMost(text) > MAX_LEVELS) {
    throw new SqlNotParsedError('is long, and may be nested too deeply for the parser');
  }
}

/** How deep the text can be nested at most: counted in comments and strings too, and no further than is of interest. */
function levelsAtMost(text: string): number {
  const openings = text.matchAll(MAY_OPEN_A_LEVEL);
  let levels = 0;
  while (levels <= MAX_LEVELS && openings.next().done !== true) levels += 1;
  return levels;
}
