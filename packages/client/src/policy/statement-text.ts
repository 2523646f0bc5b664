/**
 * What can be told of a statement by its first word, without parsing it. Each check errs on the safe side; the server
 * has the last word.
 */

const CONTROL =
  /^(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;
const COPY_STREAM = /^copy\b[\s\S]*\b(?:stdin|stdout)\b/i;
const ONE_STATEMENT = /^(?:insert|update|delete|merge|select|with|values|table)\b/i;
const WRITE = /^(?:insert|update|delete|merge)\b/i;
const MAY_RETURN_ROWS = /\breturning\b|^(?:\(|select|with|call|execute|values|table|show|explain|fetch)/i;

/**
 * The word by which a text begins, ends or parts a transaction; undefined for any other text. The client keeps the
 * transaction itself: a COMMIT of the app's in between would take the mark away from what it marks.
 */
export function transactionControlIn(text: string): string | undefined {
  return CONTROL.exec(withoutLead(text))?.[0].toUpperCase();
}

/** COPY from or to the client: it needs a stream, and in a pipeline it would swallow what others send after it. */
export function isCopyStream(text: string): boolean {
  return COPY_STREAM.test(withoutLead(text));
}

/** Which way a COPY goes; undefined for any other text. */
export function copyDirectionOf(text: string): 'from' | 'to' | undefined {
  const rest = withoutLead(text);
  if (!COPY_STREAM.test(rest)) return undefined;
  return /\bfrom\s+stdin\b/i.test(rest) ? 'from' : 'to';
}

/** Whether a COPY reads a table itself: of a query nobody knows what it does. */
export function readsTable(text: string): boolean {
  return !/^copy\s*\(/i.test(withoutLead(text));
}

/**
 * Whether the server does all of it or nothing. CALL and DO are not among them: they may commit in between, and an
 * error at their end does not take that back (PostgreSQL manual, "Transaction Management").
 */
export function isAtomic(text: string): boolean {
  return ONE_STATEMENT.test(withoutLead(text));
}

/** Whether it changes rows; known without a look at the rest of it, and for some that do not say so first unknown. */
export function obviouslyWrites(text: string): boolean {
  return WRITE.test(withoutLead(text));
}

/** Whether it may return rows; rather too often than too seldom. */
export function mayReturnRows(text: string): boolean {
  return MAY_RETURN_ROWS.test(withoutLead(text));
}

/** Whether it may change how a commit is waited for; after the transaction nothing shows that it did. */
export function setsSynchronousCommit(text: string): boolean {
  return /synchronous_commit/i.test(text);
}

/** The text from its first word on: without blanks, semicolons and comments, which nest in PostgreSQL. */
function withoutLead(text: string): string {
  let rest = text;
  for (;;) {
    rest = rest.replace(/^[\s;]+/, '');
    if (rest.startsWith('--')) rest = rest.replace(/^--[^\n]*/, '');
    else if (rest.startsWith('/*')) rest = rest.slice(commentLength(rest));
    else return rest;
  }
}

function commentLength(text: string): number {
  let depth = 0;
  for (const { 0: mark, index } of text.matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return index + 2;
  }
  return text.length;
}
