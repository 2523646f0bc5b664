/** What the types of statements and nodes mean for the traits. */
import type { SyntaxNode } from './syntax-tree.ts';
import { listOf, typed } from './syntax-tree.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/**
 * The types of nodes that may stand in a statement that is read only. All others make it something else, those too
 * that a later grammar brings: INSERT and its like, LockingClause (FOR UPDATE), and whatever nobody has judged yet.
 */
export const READ_ONLY_NODES = words(`
  SelectStmt ExplainStmt VariableShowStmt DefElem List
  ResTarget ColumnRef ParamRef A_Star A_Const Integer Float Boolean String BitString
  A_Expr BoolExpr NullTest BooleanTest SubLink CaseExpr CaseWhen CoalesceExpr MinMaxExpr
  A_ArrayExpr A_Indices A_Indirection RowExpr TypeCast TypeName CollateClause
  FuncCall NamedArgExpr SQLValueFunction GroupingFunc GroupingSet WindowDef SortBy
  RangeVar RangeSubselect RangeFunction RangeTableSample RangeTableFunc RangeTableFuncCol ColumnDef JoinExpr Alias
  WithClause CommonTableExpr CTESearchClause CTECycleClause
  XmlExpr XmlSerialize
  JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor JsonObjectAgg JsonArrayAgg
  JsonAggConstructor JsonKeyValue JsonValueExpr JsonFormat JsonReturning JsonOutput JsonIsPredicate JsonParseExpr
  JsonScalarExpr JsonSerializeExpr JsonFuncExpr JsonArgument JsonBehavior JsonTable JsonTableColumn
  JsonTablePathSpec
`);

/** The fields that may hold a node without its type there; `intoClause` (SELECT INTO) is not among them. */
export const READ_ONLY_PARTS = words(`
  withClause larg rarg over alias join_using_alias typeName collClause search_clause cycle_clause
  ival fval sval bsval boolval
  output returning format constructor arg val value expr context_item on_empty on_error pathspec
`);

/** Statements that can stand in a transaction block, given that {@link cannotBeInTransaction} has no objection. */
const TRANSACTIONAL = words(`
  SelectStmt InsertStmt UpdateStmt DeleteStmt MergeStmt CopyStmt ExplainStmt CallStmt DoStmt TruncateStmt LockStmt
  VariableSetStmt VariableShowStmt ConstraintsSetStmt DiscardStmt LoadStmt CheckPointStmt
  PrepareStmt ExecuteStmt DeallocateStmt DeclareCursorStmt FetchStmt ClosePortalStmt
  ListenStmt UnlistenStmt NotifyStmt
  CreateStmt CreateTableAsStmt CreateSchemaStmt CreateSeqStmt CreateFunctionStmt CreateTrigStmt CreateEventTrigStmt
  CreateDomainStmt CreateEnumStmt CreateRangeStmt CompositeTypeStmt CreateCastStmt CreateConversionStmt
  CreateExtensionStmt CreateFdwStmt CreateForeignServerStmt CreateForeignTableStmt CreateUserMappingStmt
  CreateAmStmt CreateOpClassStmt CreateOpFamilyStmt CreatePLangStmt CreatePolicyStmt CreatePublicationStmt
  CreateRoleStmt CreateStatsStmt CreateTransformStmt DefineStmt IndexStmt ViewStmt RuleStmt
  AlterCollationStmt AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt AlterDatabaseStmt AlterDefaultPrivilegesStmt
  AlterDomainStmt AlterEnumStmt AlterEventTrigStmt AlterExtensionContentsStmt AlterExtensionStmt AlterFdwStmt
  AlterForeignServerStmt AlterFunctionStmt AlterObjectDependsStmt AlterObjectSchemaStmt AlterOpFamilyStmt
  AlterOperatorStmt AlterOwnerStmt AlterPolicyStmt AlterPublicationStmt AlterRoleSetStmt AlterRoleStmt AlterSeqStmt
  AlterStatsStmt AlterTSConfigurationStmt AlterTSDictionaryStmt AlterTableMoveAllStmt AlterTableSpaceOptionsStmt
  AlterTableStmt AlterTypeStmt AlterUserMappingStmt
  CommentStmt SecLabelStmt RenameStmt ReplicaIdentityStmt ImportForeignSchemaStmt
  DropStmt DropOwnedStmt DropRoleStmt DropUserMappingStmt ReassignOwnedStmt GrantStmt GrantRoleStmt
  RefreshMatViewStmt VacuumStmt ReindexStmt ClusterStmt
`);

/** Statements that may commit in between: the bodies of procedures, and the parts of a partitioned table. */
const MAY_COMMIT_IN_BETWEEN = words('CallStmt DoStmt ReindexStmt ClusterStmt');

const WHOLE_DATABASE = words('REINDEX_OBJECT_SCHEMA REINDEX_OBJECT_SYSTEM REINDEX_OBJECT_DATABASE');

/**
 * Whether PostgreSQL lets the statement into a transaction block, as far as it decides that by the text
 * (`PreventInTransactionBlock` in its source); no statement of an unknown type is said to be fit.
 */
export function isTransactional(type: string, node: SyntaxNode, concurrently: boolean): boolean {
  if (!TRANSACTIONAL.has(type)) return false;
  switch (type) {
    case 'VacuumStmt':
      return node['is_vacuumcmd'] !== true; // else ANALYZE
    case 'ReindexStmt':
      return !hasOption(node['params'], 'concurrently') && !WHOLE_DATABASE.has(String(node['kind']));
    case 'ClusterStmt':
      return node['relation'] !== undefined;
    case 'DiscardStmt':
      return node['target'] !== 'DISCARD_ALL';
    case 'AlterDatabaseStmt':
      return !hasOption(node['options'], 'tablespace');
    case 'RefreshMatViewStmt':
      return true; // even CONCURRENTLY
    default:
      return !concurrently;
  }
}

/** Whether the server does all of it or nothing. */
export function isAtomicStatement(type: string, transactional: boolean): boolean {
  return transactional && !MAY_COMMIT_IN_BETWEEN.has(type);
}

const ALWAYS_OF_THE_SESSION = words(`
  ListenStmt UnlistenStmt PrepareStmt ExecuteStmt DeallocateStmt FetchStmt ClosePortalStmt DiscardStmt LoadStmt
`);

/** CURSOR_OPT_HOLD in PostgreSQL's parsenodes.h. */
const WITH_HOLD = 0x20;

/** Whether the statement itself reaches beyond its transaction into the session. Cursors may be held ones. */
export function isStatementOfTheSession(type: string, node: SyntaxNode): boolean {
  if (ALWAYS_OF_THE_SESSION.has(type)) return true;
  if (type === 'DeclareCursorStmt') return (Number(node['options']) & WITH_HOLD) !== 0;
  if (type !== 'VariableSetStmt') return false;
  // SET TRANSACTION has a node of its own kind, without the mark of SET LOCAL.
  const ofTheTransaction = node['kind'] === 'VAR_SET_MULTI' && node['name'] !== 'SESSION CHARACTERISTICS';
  return node['is_local'] !== true && !ofTheTransaction;
}

const MAY_RETURN_ROWS = words('ExplainStmt VariableShowStmt ExecuteStmt CallStmt');

export function mayReturnRows(type: string, node: SyntaxNode): boolean {
  if (type === 'SelectStmt') return !('intoClause' in node);
  if (type === 'FetchStmt') return node['ismove'] !== true;
  return MAY_RETURN_ROWS.has(type) || 'returningClause' in node || 'returningList' in node;
}

/** COPY from or to the client: neither a file nor a program is named. */
export function isCopyStreamStatement(type: string, node: SyntaxNode): boolean {
  return type === 'CopyStmt' && !('filename' in node);
}

const CONTROL: Readonly<Record<string, string>> = {
  TRANS_STMT_START: 'START TRANSACTION',
  TRANS_STMT_PREPARE: 'PREPARE TRANSACTION',
};

/** The words of transaction control; END and ABORT are COMMIT and ROLLBACK in the tree. */
export function transactionControlOf(type: string, node: SyntaxNode): string | undefined {
  if (type !== 'TransactionStmt') return undefined;
  const kind = String(node['kind']);
  return CONTROL[kind] ?? kind.replace('TRANS_STMT_', '').replaceAll('_', ' ');
}

/** Whether an option list names the option, with whatever value. */
export function hasOption(options: unknown, name: string): boolean {
  return listOf(options).some((option) => typed(option)?.node['defname'] === name);
}
