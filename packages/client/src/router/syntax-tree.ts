/**
 * Reading the syntax trees of libpg_query without knowing every kind of node. A node stands as an object with one
 * capitalised key, its type: `{ FuncCall: { funcname: […] } }`. Where the grammar leaves no choice the type is left
 * out, and the field alone tells it: `{ withClause: { ctes: […] } }`.
 */

export type SyntaxNode = Readonly<Record<string, unknown>>;

export interface SyntaxVisitor {
  /** A node with its type, e.g. `FuncCall`. */
  node(type: string, node: SyntaxNode): void;
  /** A node without, and the field that holds it, e.g. `withClause`. */
  part(field: string, node: SyntaxNode): void;
}

/** Shows every node of a tree to the visitor. It does not call itself: trees are as deep as their texts are nested. */
export function walk(root: unknown, visitor: SyntaxVisitor): void {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) for (const each of value as unknown[]) pending.push(each);
    else if (isNode(value)) visitFields(value, visitor, pending);
  }
}

function visitFields(node: SyntaxNode, visitor: SyntaxVisitor, pending: unknown[]): void {
  for (const [key, value] of Object.entries(node)) {
    if (typeof value !== 'object' || value === null) continue;
    pending.push(value);
    if (!isNode(value)) continue;
    if (isType(key)) visitor.node(key, value);
    else if (!Object.keys(value).some(isType)) visitor.part(key, value);
  }
}

function isType(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 65 && first <= 90;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Type and fields of what stands as `{ Type: { … } }`. */
export function typed(value: unknown): { readonly type: string; readonly node: SyntaxNode } | undefined {
  if (!isNode(value)) return undefined;
  const [entry, ...others] = Object.entries(value);
  if (entry === undefined || others.length > 0 || !isType(entry[0]) || !isNode(entry[1])) return undefined;
  return { type: entry[0], node: entry[1] };
}

/** The nodes of a list field; none if the field is missing. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A name that may be qualified, as the words it consists of. Undefined if it is anything else. */
export function nameOf(value: unknown): readonly string[] | undefined {
  const words: string[] = [];
  for (const each of listOf(value)) {
    const word = typed(each);
    const text = word?.type === 'String' ? word.node['sval'] : undefined;
    if (typeof text !== 'string') return undefined;
    words.push(text);
  }
  return words.length === 0 ? undefined : words;
}
