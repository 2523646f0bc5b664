import { isCopyStream, transactionControlIn } from '../policy/statement-text.ts';
import type { IsSafeFunction } from './safe-functions.ts';
import { builtinName, isOfTheSession } from './safe-functions.ts';
import * as rules from './statement-rules.ts';
import type { SyntaxNode } from './syntax-tree.ts';
import { isNode, listOf, nameOf, typed, walk } from './syntax-tree.ts';

/**
 * What a text does, as far as its syntax tells. It does not tell what a view, a rule, a row security policy or a
 * domain's check calls, nor which function stands behind an operator without a schema, a cast, or `t.f` where t has no
 * column f. A standby refuses writes from there with 25006; of anything else, the app says so with `safety`.
 * Strings are read as with `standard_conforming_strings = on`, PostgreSQL's default.
 */
export interface StatementTraits {
  /**
   * May run on a standby and be repeated: a plain SELECT (or VALUES, TABLE, WITH of plain SELECTs, EXPLAIN without
   * ANALYZE, SHOW) without locking clause, data-modifying CTE, INTO, and with no function but those known to be safe.
   */
  readonly readOnly: boolean;
  /**
   * Touches state of the session or needs one server session for longer than a transaction (LISTEN, UNLISTEN,
   * SET/RESET that is not LOCAL, set_config(…, false), session advisory locks, temp tables, DECLARE … WITH HOLD and
   * what is done with cursors, PREPARE/EXECUTE/DEALLOCATE, LOAD, DISCARD): never through a pooler, never on a shared
   * lane.
   */
  readonly sessionState: boolean;
  /** The server does all of it or nothing: false for CALL, DO, and everything that cannot run in a transaction block. */
  readonly atomic: boolean;
  /**
   * Can run inside a transaction block: false for VACUUM, CREATE/DROP DATABASE, CREATE INDEX CONCURRENTLY, REINDEX
   * CONCURRENTLY, ALTER SYSTEM, CREATE TABLESPACE and the like, and for transaction control itself.
   */
  readonly transactional: boolean;
  /** BEGIN, COMMIT, SAVEPOINT and so on: the word(s), upper case, the first in the text; undefined otherwise. */
  readonly transactionControl: string | undefined;
  /** COPY from or to the client. */
  readonly copyStream: boolean;
  /** Whether it may return rows. */
  readonly returnsRows: boolean;
  /**
   * Statements in the text: 0, 1 or more. With more than one, and with a text that could not be parsed (which counts
   * as 1), `readOnly`, `atomic` and `transactional` are false, `sessionState` and `returnsRows` true.
   */
  readonly statements: number;
  /**
   * Why it is not `readOnly`, to be read after "the statement", e.g. "calls nextval(), which is not known to be
   * safe"; undefined when it is. Never quotes values of the text.
   */
  readonly reason: string | undefined;
}

/**
 * The traits of a text that has been parsed.
 * @throws Error when the tree has another shape than libpg_query gives it.
 */
export function traitsOf(tree: unknown, isSafe: IsSafeFunction): StatementTraits {
  if (!isNode(tree) || !Array.isArray(tree['stmts'])) throw new Error('this is no syntax tree');
  const all = listOf(tree['stmts']).map((each) =>
    traitsOfStatement(isNode(each) ? each['stmt'] : each, isSafe),
  );
  const [first, ...others] = all;
  if (first === undefined) return NOTHING;
  if (others.length === 0) return first;
  return {
    ...UNKNOWN,
    transactionControl: all.find(({ transactionControl }) => transactionControl)?.transactionControl,
    copyStream: all.some(({ copyStream }) => copyStream),
    statements: all.length,
    reason: `holds ${all.length} statements`,
  };
}

/** The traits of a text of which nothing is known but its letters; `reason` says why. */
export function pessimisticTraits(text: string, reason: string): StatementTraits {
  return {
    ...UNKNOWN,
    transactionControl: transactionControlIn(text),
    copyStream: isCopyStream(text),
    reason,
  };
}

const UNKNOWN = {
  readOnly: false,
  sessionState: true,
  atomic: false,
  transactional: false,
  returnsRows: true,
  statements: 1,
} satisfies Partial<StatementTraits>;

/** A text without any statement: the server answers it with nothing, anywhere. */
const NOTHING: StatementTraits = {
  readOnly: false,
  sessionState: false,
  atomic: true,
  transactional: true,
  transactionControl: undefined,
  copyStream: false,
  returnsRows: false,
  statements: 0,
  reason: 'holds no statement',
};

const READ_ONLY_STATEMENTS: ReadonlySet<string> = new Set(['SelectStmt', 'ExplainStmt', 'VariableShowStmt']);

function traitsOfStatement(statement: unknown, isSafe: IsSafeFunction): StatementTraits {
  const top = typed(statement);
  if (top === undefined) throw new Error('this is no statement');
  const { type, node } = top;
  const found = findings(statement, isSafe);
  const sessionState = found.sessionState || rules.isStatementOfTheSession(type, node);
  const transactional = rules.isTransactional(type, node, found.concurrently);
  const reason =
    (READ_ONLY_STATEMENTS.has(type) ? found.effect : `is ${nameOfStatement(type)}`) ??
    (sessionState ? 'touches the state of the session' : undefined);
  return {
    readOnly: reason === undefined,
    sessionState,
    atomic: rules.isAtomicStatement(type, transactional),
    transactional,
    transactionControl: rules.transactionControlOf(type, node),
    copyStream: rules.isCopyStreamStatement(type, node),
    returnsRows: rules.mayReturnRows(type, node),
    statements: 1,
    reason,
  };
}

interface Findings {
  /** Why the statement is not read only, the first reason met. */
  effect: string | undefined;
  sessionState: boolean;
  concurrently: boolean;
}

/** Looks at every node of a statement. What is not known to be harmless is an effect. */
function findings(statement: unknown, isSafe: IsSafeFunction): Findings {
  const found: Findings = { effect: undefined, sessionState: false, concurrently: false };
  walk(statement, {
    node(type, node) {
      found.effect ??= effectOfNode(type, node, isSafe);
      inspect(node, found);
      if (isNodeOfTheSession(type, node)) found.sessionState = true;
    },
    part(field, node) {
      if (!rules.READ_ONLY_PARTS.has(field)) {
        found.effect ??= field === 'intoClause' ? 'creates a table (SELECT INTO)' : `holds ${field}`;
      }
      inspect(node, found);
    },
  });
  return found;
}

function inspect(node: SyntaxNode, found: Findings): void {
  if (node['relpersistence'] === 't' || isTempSchema(node['schemaname'])) found.sessionState = true;
  if (node['concurrent'] === true) found.concurrently = true;
}

function isNodeOfTheSession(type: string, node: SyntaxNode): boolean {
  if (type === 'FuncCall') return callsForTheSession(node);
  return type === 'ExecuteStmt' || (type === 'String' && isTempSchema(node['sval']));
}

/** `pg_temp`, or `pg_temp_3` as the server calls it. */
function isTempSchema(name: unknown): boolean {
  return typeof name === 'string' && name.startsWith('pg_temp');
}

function effectOfNode(type: string, node: SyntaxNode, isSafe: IsSafeFunction): string | undefined {
  if (!rules.READ_ONLY_NODES.has(type)) return `holds ${nameOfStatement(type)}`;
  if (type === 'FuncCall') {
    const name = nameOf(node['funcname']);
    if (name === undefined || !isSafe(name)) {
      return `calls ${name?.join('.') ?? 'a function'}(), which is not known to be safe`;
    }
  }
  if (type === 'ExplainStmt' && rules.hasOption(node['options'], 'analyze')) return 'is EXPLAIN ANALYZE';
  for (const operator of [type === 'A_Expr' && node['name'], node['operName'], node['useOp']]) {
    const name = nameOf(operator);
    if (name !== undefined && builtinName(name) === undefined) {
      return `uses the operator ${name.join('.')}, which is not known to be safe`;
    }
  }
  return undefined;
}

function callsForTheSession({ funcname, args }: SyntaxNode): boolean {
  const name = nameOf(funcname);
  if (name === undefined) return false;
  if (name.at(-1) !== 'set_config') return isOfTheSession(name);
  const isLocal = typed(listOf(args)[2]);
  const value = isLocal?.type === 'A_Const' ? isLocal.node['boolval'] : undefined;
  return !(isNode(value) && value['boolval'] === true);
}

/** `InsertStmt` is INSERT for whoever reads the reason. */
function nameOfStatement(type: string): string {
  if (type === 'LockingClause') return 'a locking clause (FOR UPDATE or the like)';
  return type.endsWith('Stmt') ? `a statement of the type ${type.slice(0, -4)}` : type;
}
