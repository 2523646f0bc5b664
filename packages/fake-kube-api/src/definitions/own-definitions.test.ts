import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { at, recordsAt, textAt } from '../objects/json.ts';
import type { Schema } from '../schema/schema.ts';
import { HELM_DEFINITIONS } from './helm.ts';
import { METALLB_DEFINITIONS } from './metallb.ts';
import { ZALANDO_DEFINITIONS } from './zalando.ts';

/** The upstream files lie beside the project where they are at all; elsewhere there is nothing to compare with. */
const UPSTREAM = new URL('../../../../../shared/crds/', import.meta.url);
const NEWEST =
  /^(helmcharts|helmchartconfigs|ipaddresspools|l2advertisements|postgresqls|operatorconfigurations|postgresteams)\.(v0\.17\.7|v0\.16\.1|v2\.0\.1)\.yaml$/;

function rootOf(definition: unknown): Schema {
  return at(definition, 'spec', 'versions', 0, 'schema', 'openAPIV3Schema') as Schema;
}

/** Where one of our schemas says something else than the upstream one. */
function differences(ours: Schema, theirs: Schema | undefined, path: string): string[] {
  if (theirs === undefined) return [`${path} does not exist`];
  if (ours['x-kubernetes-preserve-unknown-fields'] === true) return [];
  const problems: string[] = [];
  for (const word of [
    'type',
    'default',
    'x-kubernetes-map-type',
    'x-kubernetes-list-type',
    'nullable',
  ] as const) {
    const [mine, upstream] = [ours[word], theirs[word]];
    if (mine !== undefined && mine !== upstream)
      problems.push(`${path}: ${word} is ${JSON.stringify(upstream)}`);
  }
  for (const field of theirs.required ?? []) {
    if (ours.properties !== undefined && !(ours.required ?? []).includes(field))
      problems.push(`${path}: ${field} is required`);
  }
  if (ours.properties !== undefined) {
    for (const field of Object.keys(theirs.properties ?? {})) {
      if (path !== '' && ours.properties[field] === undefined) problems.push(`${path}.${field} is missing`);
    }
  }
  for (const [field, schema] of Object.entries(ours.properties ?? {})) {
    problems.push(...differences(schema, theirs.properties?.[field], `${path}.${field}`));
  }
  if (ours.items !== undefined) problems.push(...differences(ours.items, theirs.items, `${path}[]`));
  return problems;
}

describe.runIf(existsSync(UPSTREAM))('our definitions', () => {
  const files = readdirSync(UPSTREAM, { recursive: true, encoding: 'utf8' }).filter((file) =>
    NEWEST.test(file.split('/').at(-1) ?? ''),
  );
  const upstream = files.map((file) => parse(readFileSync(new URL(file, UPSTREAM), 'utf8')) as unknown);

  for (const ours of [...HELM_DEFINITIONS, ...METALLB_DEFINITIONS, ...ZALANDO_DEFINITIONS]) {
    const name = textAt(ours, 'metadata', 'name') ?? '';
    it(`say of ${name} what upstream says`, () => {
      const theirs = upstream.find((each) => textAt(each, 'metadata', 'name') === name);
      expect(differences(rootOf(ours), rootOf(theirs), '')).toEqual([]);
      expect(at(ours, 'spec', 'names', 'plural')).toBe(at(theirs, 'spec', 'names', 'plural'));
      expect(recordsAt(ours, 'spec', 'versions')[0]?.['name']).toBe(
        recordsAt(theirs, 'spec', 'versions')[0]?.['name'],
      );
      expect(at(ours, 'spec', 'versions', 0, 'subresources')).toEqual(
        at(theirs, 'spec', 'versions', 0, 'subresources'),
      );
    });
  }
});
