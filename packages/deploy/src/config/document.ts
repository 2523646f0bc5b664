import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Node } from 'yaml';
import { problem } from './problem.ts';
import type { Path, Problem, SyntaxReason } from './problem.ts';

/** A YAML file that knows where things are. */
export interface LabDocument {
  /** Undefined where it could not be read: then the problems say why. */
  readonly value: Readonly<Record<string, unknown>> | undefined;
  readonly problems: readonly Problem[];
  /** The line of the key or entry, or of the nearest thing around it that is in the file. */
  lineOf(path: Path): number | undefined;
}

/** The parser's own messages quote the file, which may hold a secret: only its codes are used. */
const REASONS: Readonly<Record<string, SyntaxReason>> = {
  TAB_AS_INDENT: 'tab',
  BAD_INDENT: 'indentation',
  MISSING_CHAR: 'unfinished',
  MULTILINE_IMPLICIT_KEY: 'unfinished',
  MULTIPLE_DOCS: 'documents',
  BAD_ALIAS: 'alias',
};

export function parseLabDocument(text: string): LabDocument {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, strict: true });
  const lineAt = (offset: number) => lineCounter.linePos(offset).line;
  const problems = document.errors.map(({ code, pos }): Problem => {
    const line = lineAt(pos[0]);
    const [key = ''] = /^[-\w]+/.exec(text.slice(pos[0])) ?? [];
    return code === 'DUPLICATE_KEY'
      ? { ...problem('key-twice', key === '' ? [] : [key], {}), line }
      : { ...problem('syntax', [], { reason: REASONS[code] ?? 'other' }), line };
  });
  const refused = (...more: Problem[]): LabDocument => ({
    value: undefined,
    problems: [...problems, ...more],
    lineOf: () => undefined,
  });
  // A key that is there twice does not hide what is wrong with the rest.
  if (problems.some(({ code }) => code === 'syntax')) return refused();
  let value: unknown;
  try {
    value = document.toJS();
    JSON.stringify(value);
  } catch {
    // An alias that multiplies itself, on which the parser gives up, or that contains itself.
    return refused(problem('syntax', [], { reason: 'alias' }));
  }
  if (!isRecord(value)) return refused(problem('not-a-map', [], {}));
  return { value, problems, lineOf: (path) => lineOf(document.contents, path, lineAt) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
