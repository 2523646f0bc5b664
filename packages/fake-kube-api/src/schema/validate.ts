import { canonical, isRecord } from '../objects/json.ts';
import type { FieldProblem } from '../objects/api-error.ts';
import { fieldSchema, type Schema } from './schema.ts';

/** What is wrong with a value by its schema, in the words of the real server; empty if nothing. */
export function validate(value: unknown, schema: Schema, path = ''): FieldProblem[] {
  if (value === undefined || (value === null && schema.nullable === true)) return [];
  const typeProblem = wrongType(value, schema, path);
  if (typeProblem !== undefined) return [typeProblem];
  return [
    ...validateValue(value, schema, path),
    ...(Array.isArray(value) ? validateList(value, schema, path) : []),
    ...(isRecord(value) ? validateMap(value, schema, path) : []),
    ...validateCombined(value, schema, path),
  ];
}

function wrongType(value: unknown, schema: Schema, path: string): FieldProblem | undefined {
  const actual = typeOf(value);
  if (schema['x-kubernetes-int-or-string'] === true) {
    return actual === 'integer' || actual === 'string' ? undefined : badType(path, 'integer,string', actual);
  }
  const { type } = schema;
  if (type === undefined || type === actual || (type === 'number' && actual === 'integer')) return undefined;
  return badType(path, type, actual);
}

function badType(path: string, wanted: string, actual: string): FieldProblem {
  return {
    reason: 'FieldValueTypeInvalid',
    field: path === '' ? '<nil>' : path,
    message: `Invalid value: "${actual}": ${path} in body must be of type ${wanted}: "${actual}"`,
  };
}

export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function validateValue(value: unknown, schema: Schema, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (schema.enum !== undefined && !schema.enum.some((allowed) => canonical(allowed) === canonical(value))) {
    const allowed = schema.enum.map((each) => JSON.stringify(each)).join(', ');
    problems.push({
      reason: 'FieldValueNotSupported',
      field: path,
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed}`,
    });
  }
  const shown = JSON.stringify(value);
  const fail = (why: string) => problems.push(invalidValue(path, shown, why));
  if (typeof value === 'string') {
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) {
      fail(`should match '${schema.pattern}'`);
    }
    if (schema.minLength !== undefined && lengthOf(value) < schema.minLength) {
      fail(`should be at least ${schema.minLength} chars long`);
    }
    if (schema.maxLength !== undefined && lengthOf(value) > schema.maxLength) {
      problems.push({
        reason: 'FieldValueTooLong',
        field: path,
        message: `Too long: may not be more than ${schema.maxLength} bytes`,
      });
    }
    if (schema.format !== undefined && !fitsFormat(value, schema.format)) {
      fail(`must be of type ${schema.format}: ${shown}`);
    }
  }
  if (typeof value === 'number') {
    const { minimum, maximum } = schema;
    if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
      fail(`should be greater than ${schema.exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`);
    }
    if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
      fail(`should be less than ${schema.exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
    }
    if (schema.multipleOf !== undefined && value % schema.multipleOf !== 0) {
      fail(`should be a multiple of ${schema.multipleOf}`);
    }
  }
  return problems;
}

/** In characters, as Go counts runes. */
function lengthOf(value: string): number {
  return Array.from(value).length;
}

const FORMATS: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
  uuid: /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
  byte: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
};

/** Formats that the server does not know are not checked. */
function fitsFormat(value: string, format: string): boolean {
  return FORMATS[format]?.test(value) ?? true;
}

function invalidValue(path: string, shown: string, why: string): FieldProblem {
  return {
    reason: 'FieldValueInvalid',
    field: path,
    message: `Invalid value: ${shown}: ${path} in body ${why}`,
  };
}

function validateList(value: readonly unknown[], schema: Schema, path: string): FieldProblem[] {
  const problems = value.flatMap((item, index) => validate(item, schema.items ?? {}, `${path}[${index}]`));
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    problems.push(invalidValue(path, String(value.length), `should have at least ${schema.minItems} items`));
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    problems.push({
      reason: 'FieldValueTooMany',
      field: path,
      message: `Too many: ${value.length}: must have at most ${schema.maxItems} items`,
    });
  }
  return [...problems, ...duplicates(value, schema, path)];
}

function duplicates(value: readonly unknown[], schema: Schema, path: string): FieldProblem[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map' && schema.uniqueItems !== true) return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  const problems: FieldProblem[] = [];
  for (const [index, item] of value.entries()) {
    const identity =
      listType === 'map' && isRecord(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item;
    const text = canonical(identity);
    if (seen.has(text)) {
      problems.push({
        reason: 'FieldValueDuplicate',
        field: `${path}[${index}]`,
        message: `Duplicate value: ${listType === 'map' ? text : JSON.stringify(item)}`,
      });
    }
    seen.add(text);
  }
  return problems;
}

function validateMap(value: Record<string, unknown>, schema: Schema, path: string): FieldProblem[] {
  const below = (field: string) => (path === '' ? field : `${path}.${field}`);
  const problems: FieldProblem[] = [];
  for (const field of schema.required ?? []) {
    if (value[field] === undefined) {
      problems.push({ reason: 'FieldValueRequired', field: below(field), message: 'Required value' });
    }
  }
  for (const [field, child] of Object.entries(value)) {
    const known = fieldSchema(schema, field);
    if (known !== undefined) problems.push(...validate(child, known, below(field)));
  }
  const count = Object.keys(value).length;
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    problems.push(
      invalidValue(path, String(count), `should have at least ${schema.minProperties} properties`),
    );
  }
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    problems.push(
      invalidValue(path, String(count), `should have at most ${schema.maxProperties} properties`),
    );
  }
  return problems;
}

function validateCombined(value: unknown, schema: Schema, path: string): FieldProblem[] {
  const fits = (each: Schema) => validate(value, each, path).length === 0;
  const shown = JSON.stringify(value);
  const problems = (schema.allOf ?? []).flatMap((each) => validate(value, each, path));
  if (schema.anyOf !== undefined && !schema.anyOf.some(fits)) {
    problems.push(...validate(value, schema.anyOf[0] ?? {}, path));
    problems.push(invalidValue(path, shown, 'must validate at least one schema (anyOf)'));
  }
  if (schema.oneOf !== undefined && schema.oneOf.filter(fits).length !== 1) {
    problems.push(invalidValue(path, shown, 'must validate one and only one schema (oneOf)'));
  }
  if (schema.not !== undefined && fits(schema.not)) {
    problems.push(invalidValue(path, shown, 'must not validate the schema (not)'));
  }
  return problems;
}
