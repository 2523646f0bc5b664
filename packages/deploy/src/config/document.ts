import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Node } from 'yaml';
import { problem } from './problem.ts';
import type { Path, Problem } from './problem.ts';

/** A YAML file that knows where things are. */
export interface LabDocument {
  readonly value: unknown;
  /** The line of the key or entry, or of the nearest thing around it that is in the file. */
  lineOf(path: Path): number | undefined;
}

/** What YAML itself finds wrong. The parser's own messages quote the file, which may hold a secret: ours do not. */
const REASONS: Record<string, string> = {
  DUPLICATE_KEY: 'the key is there twice',
  TAB_AS_INDENT: 'a tab is used as indentation',
  BAD_INDENT: 'the indentation does not fit',
  MISSING_CHAR: 'a quote, bracket or comma is missing',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines (is a quote or a colon missing?)',
  MULTIPLE_DOCS: 'the file holds several documents',
  BAD_ALIAS: 'an alias leads nowhere',
};

/** @returns the document, or all that keeps it from being one. */
export function parseLabDocument(text: string): LabDocument | { readonly problems: readonly Problem[] } {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, strict: true });
  const lineAt = (offset: number) => lineCounter.linePos(offset).line;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ code, pos }) => ({
      ...problem('syntax', [], { reason: REASONS[code] ?? code.toLowerCase().replaceAll('_', ' ') }),
      line: lineAt(pos[0]),
    }));
    return { problems };
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch {
    // An alias that multiplies itself: the parser gives up.
    return { problems: [problem('syntax', [], { reason: 'it has too many aliases' })] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problems: [problem('not-a-map', [], {})] };
  return { value, lineOf: (path) => lineOf(document.contents, path, lineAt) };
}

function lineOf(root: Node | null, path: Path, lineAt: (offset: number) => number): number | undefined {
  let line: number | undefined;
  let node: unknown = root;
  for (const part of path) {
    const found = step(node, part);
    if (found === undefined) break;
    if (found.offset !== undefined) line = lineAt(found.offset);
    node = found.value;
  }
  return line;
}

function step(
  node: unknown,
  part: string | number,
): { value: unknown; offset: number | undefined } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    if (!isPair(pair)) return undefined;
    return { value: pair.value, offset: isScalar(pair.key) ? pair.key.range?.[0] : undefined };
  }
  if (isSeq(node) && typeof part === 'number' && part < node.items.length) {
    const item = node.items[part] as Node | null;
    return { value: item, offset: item?.range?.[0] };
  }
  return undefined;
}
