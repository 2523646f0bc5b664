/** What zod finds wrong with single values, as problems of ours, and what is left of the file without them. */
import { z } from 'zod';
import { labSchema } from './lab.ts';
import type { Lab, LabDraft } from './lab.ts';
import { nearest } from './nearest.ts';
import { problem, shown } from './problem.ts';
import type { ExpectedType, Path, Problem, ProblemCode } from './problem.ts';

export interface Shape {
  readonly problems: readonly Problem[];
  /** The lab without what is wrong. */
  readonly draft: LabDraft;
  /** Only without problems. */
  readonly lab: Lab | undefined;
}

type Issue = z.core.$ZodIssue;

/** Values of these places are never shown: a secret may have been put there by mistake. */
const SECRETIVE = /secret|password|passw|token|key|authority|parameters|conninfo/i;

/** @param shipped - the lab that comes with this package, for what stands there in place of a missing value. */
export function checkShape(value: unknown, shipped: unknown): Shape {
  const result = labSchema.safeParse(value);
  if (result.success) return { problems: [], draft: result.data, lab: result.data };
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, value, shipped));
  const draft = structuredClone(value);
  for (const { path } of problems.toSorted((a, b) => b.path.length - a.path.length)) remove(draft, path);
  return { problems, draft: draft as LabDraft, lab: undefined };
}

function problemsOf(issue: Issue, root: unknown, shipped: unknown): Problem[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(path);
    return issue.keys.map((key) =>
      problem('unknown-key', [...path, key], { nearest: nearest(key, allowed), allowed }),
    );
  }
  const value = at(root, path);
  if (value === undefined) return [problem('missing', path, { shipped: shownAt(shipped, path) })];
  if (value === null) return [problem('empty', path, {})];
  return [valueProblem(issue, path, value)];
}

function valueProblem(issue: Issue, path: Path, value: unknown): Problem {
  const given = path.some((part) => SECRETIVE.test(String(part))) ? undefined : shown(value);
  const { code } = issue;
  if (code === 'invalid_value')
    return problem('not-allowed', path, { given, allowed: issue.values.map(String) });
  if (code === 'too_big' || code === 'too_small') return boundsProblem(issue, path, value, given);
  if (code === 'custom') return problem(codeOf(issue), path, { given });
  if (code === 'invalid_key') return problem('not-a-label', path, { given: shown(path.at(-1)) });
  const expected = code === 'invalid_type' ? expectedType(issue.expected) : 'text';
  return problem('wrong-type', path, { given, expected });
}

function boundsProblem(
  issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall,
  path: Path,
  value: unknown,
  given: string | undefined,
): Problem {
  if (Array.isArray(value)) return problem('empty-list', path, {});
  if (typeof value === 'string' && issue.code === 'too_big')
    return problem('too-long', path, { given, most: Number(issue.maximum), length: value.length });
  const { least, most } = boundsAt(path);
  return problem('out-of-bounds', path, { given, least, most });
}

function codeOf(issue: z.core.$ZodIssueCustom): ProblemCode {
  return (issue.params as { code: ProblemCode }).code;
}

function expectedType(expected: string): ExpectedType {
  switch (expected) {
    case 'string':
      return 'text';
    case 'int':
      return 'whole-number';
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return 'list';
    default:
      return 'map';
  }
}

/** The part of the schema that a path leads to. */
function schemaAt(path: Path): z.core.$ZodType | undefined {
  let schema: z.core.$ZodType | undefined = labSchema;
  for (const part of path) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodObject) {
      const shape = schema.shape as Record<string, z.core.$ZodType>;
      schema = Object.hasOwn(shape, part) ? shape[part] : undefined;
    } else if (schema instanceof z.ZodRecord) schema = schema.valueType;
    else if (schema instanceof z.ZodArray) schema = schema.element;
    else return undefined;
  }
  return unwrap(schema);
}

function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

function keysAt(path: Path): readonly string[] {
  const schema = schemaAt(path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function boundsAt(path: Path): { least: string | undefined; most: string | undefined } {
  const schema = schemaAt(path);
  const { minValue = null, maxValue = null } = schema instanceof z.ZodNumber ? schema : {};
  const unlimited = maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER;
  return {
    least: minValue === null ? undefined : String(minValue),
    most: unlimited ? undefined : String(maxValue),
  };
}

function at(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

function shownAt(root: unknown, path: Path): string | undefined {
  const value = at(root, path);
  return value === undefined || (typeof value === 'object' && value !== null) ? undefined : shown(value);
}

/** An entry of a list becomes a gap, so that the others keep their places. */
function remove(root: unknown, path: Path): void {
  const holder = at(root, path.slice(0, -1));
  const last = path.at(-1);
  if (typeof holder !== 'object' || holder === null || last === undefined) return;
  if (Array.isArray(holder)) holder[Number(last)] = undefined;
  else delete (holder as Record<string | number, unknown>)[last];
}
