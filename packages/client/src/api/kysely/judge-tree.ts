/**
 * What Kysely's syntax tree tells of a statement. Two answers are certain, and need no parser:
 *
 *   clear, no effect   every node is one of those below, and every function is known to be safe
 *   clear, an effect   it is no SELECT, or holds a locking clause or a CTE that writes; no session is touched
 *   unclear            it holds a fragment of raw SQL, a function that is not known, or a node that nobody has judged:
 *                      the text of the whole statement must be understood
 *
 * A node's own strings (names, operators, types) are either quoted or checked by Kysely when they are compiled; names
 * of functions alone are not, so only plain ones count.
 */
import type { ExplainNode, OperationNode, RawNode, RootOperationNode } from 'kysely';
import type { IsSafeFunction } from '../../router/safe-functions.ts';

export interface TreeJudgement {
  /** It changes something, or locks rows: never for a replica, whatever else is found. */
  readonly hasEffect: boolean;
  /** Nothing is hidden in it. */
  readonly isClear: boolean;
}

type Kind = OperationNode['kind'];

/** The nodes that a SELECT may consist of. What a later Kysely adds is not among them until it was judged here. */
const HARMLESS: ReadonlySet<Kind> = new Set<Kind>([
  'SelectQueryNode',
  'SelectionNode',
  'SelectAllNode',
  'FromNode',
  'JoinNode',
  'OnNode',
  'WhereNode',
  'GroupByNode',
  'GroupByItemNode',
  'HavingNode',
  'OrderByNode',
  'OrderByItemNode',
  'LimitNode',
  'OffsetNode',
  'FetchNode',
  'SetOperationNode',
  'WithNode',
  'CommonTableExpressionNode',
  'CommonTableExpressionNameNode',
  'AliasNode',
  'IdentifierNode',
  'SchemableIdentifierNode',
  'TableNode',
  'ColumnNode',
  'ReferenceNode',
  'ParensNode',
  'AndNode',
  'OrNode',
  'BinaryOperationNode',
  'UnaryOperationNode',
  'OperatorNode',
  'ValueNode',
  'ValueListNode',
  'PrimitiveValueListNode',
  'ValuesNode',
  'ListNode',
  'TupleNode',
  'CaseNode',
  'WhenNode',
  'CastNode',
  'DataTypeNode',
  'CollateNode',
  'OverNode',
  'PartitionByNode',
  'PartitionByItemNode',
  'JSONReferenceNode',
  'JSONPathNode',
  'JSONPathLegNode',
  'JSONOperatorChainNode',
]);

/** Those that INSERT, UPDATE, DELETE and MERGE consist of beside that: they touch rows, and no session. */
const WRITING: ReadonlySet<Kind> = new Set<Kind>([
  'InsertQueryNode',
  'UpdateQueryNode',
  'DeleteQueryNode',
  'MergeQueryNode',
  'ColumnUpdateNode',
  'DefaultInsertValueNode',
  'OnConflictNode',
  'OrActionNode',
  'MatchedNode',
  'ReturningNode',
  'UsingNode',
]);

export function judgeTree(root: RootOperationNode, isSafe: IsSafeFunction): TreeJudgement {
  let hasEffect = false;
  let isClear = true;
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (Array.isArray(node)) {
      for (const each of node as unknown[]) pending.push(each);
    } else if (isNode(node)) {
      const judged = judgeNode(node, isSafe);
      hasEffect ||= judged === 'effect';
      isClear &&= judged !== 'unclear';
      // Values are sent apart from the text, or written as literals: what they hold is no syntax.
      if (node.kind !== 'ValueNode' && node.kind !== 'PrimitiveValueListNode')
        for (const part of Object.values(node)) if (typeof part === 'object') pending.push(part);
    }
  }
  return { hasEffect, isClear };
}

function judgeNode(node: OperationNode, isSafe: IsSafeFunction): 'harmless' | 'effect' | 'unclear' {
  const { kind } = node;
  if (kind === 'FunctionNode' || kind === 'AggregateFunctionNode')
    return isSafeCall((node as { func?: unknown }).func, isSafe) ? 'harmless' : 'unclear';
  if (kind === 'SelectModifierNode') return judgeModifier(node);
  if (kind === 'RawNode') return isDirection(node) ? 'harmless' : 'unclear';
  if (kind === 'ExplainNode') return isPlainExplain(node) ? 'harmless' : 'unclear';
  if (kind === 'SchemableIdentifierNode') return isTemporary(node) ? 'unclear' : 'harmless';
  if (WRITING.has(kind)) return 'effect';
  return HARMLESS.has(kind) ? 'harmless' : 'unclear';
}

/** FOR UPDATE and its like lock; what is raw is found where the modifier holds it. */
function judgeModifier(node: OperationNode): 'harmless' | 'effect' {
  const { modifier } = node as { modifier?: string };
  return modifier === undefined || modifier === 'Distinct' ? 'harmless' : 'effect';
}

/** The direction of ORDER BY is raw SQL in Kysely's tree. Any other fragment may mean anything beside its neighbours. */
function isDirection(node: OperationNode): boolean {
  const { sqlFragments = [], parameters = [] } = node as Partial<RawNode>;
  const [fragment = '', ...others] = sqlFragments;
  return others.length === 0 && parameters.length === 0 && (fragment === 'asc' || fragment === 'desc');
}

/** ANALYZE, which runs what it explains, comes as a raw option: found there. */
function isPlainExplain(node: OperationNode): boolean {
  const { format } = node as Partial<ExplainNode>;
  return format === undefined || /^[a-z]+$/i.test(format);
}

/** The names stand in the text as they are: one that is not plain may hold anything. */
const PLAIN_NAME = /^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?$/i;

function isSafeCall(name: unknown, isSafe: IsSafeFunction): boolean {
  if (typeof name !== 'string' || !PLAIN_NAME.test(name)) return false;
  return isSafe(name.toLowerCase().split('.'));
}

/** Tables of the session, which no other connection sees. */
function isTemporary(node: OperationNode): boolean {
  const { schema } = node as { schema?: { name?: unknown } };
  return typeof schema?.name === 'string' && schema.name.startsWith('pg_temp');
}

function isNode(value: unknown): value is OperationNode {
  return (
    typeof value === 'object' && value !== null && typeof (value as { kind?: unknown }).kind === 'string'
  );
}
