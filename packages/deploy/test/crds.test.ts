/**
 * What we send, held against the CRDs as their projects publish them. These files are not part of this project: without the
 * folder the tests are skipped, and `pnpm check:crds --crds FOLDER` does the same by hand.
 */
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { KIND_SCHEMAS } from '../src/manifests/schema/kinds.ts';
import { CHARTS, chartFileName } from '../src/manifests/pins.ts';
import type { ChartName } from '../src/manifests/pins.ts';
import { CrdChecker } from '../scripts/crds/check-lab.ts';
import { shippedLab, SHIPPED_LABS, stepsOf } from '../scripts/crds/shipped.ts';
import { readCrds } from '../scripts/crds/upstream.ts';
import type { Crd, StructuralSchema } from '../scripts/crds/upstream.ts';
import { crdValidator, schemaValidator } from '../scripts/crds/validator.ts';
import { arbitraryLab } from './support/arbitrary-lab.ts';

const FOLDER = new URL('../../../../shared/crds/', import.meta.url).pathname;
const CHART_FILES = new Map(
  (Object.keys(CHARTS) as ChartName[]).map((name) => [chartFileName(name), Buffer.from(name)]),
);

describe.skipIf(!existsSync(FOLDER))('upstream CRDs (skipped without the folder shared/crds)', () => {
  const crds = existsSync(FOLDER) ? readCrds(FOLDER) : [];
  const checker = new CrdChecker(crds);
  const crd = (file: string): Crd => {
    const found = crds.find((each) => each.file.endsWith(file));
    if (found === undefined) throw new Error(`${FOLDER} lacks ${file}`);
    return found;
  };

  it.each(SHIPPED_LABS)('accept every field of the shipped %s, the older operator included', (file) => {
    const { checked, problems } = checker.check(stepsOf(shippedLab(file)));
    expect(problems).toEqual([]);
    for (const version of ['v1.15.1', 'v2.0.1'])
      expect(checked).toContain(
        `postgresql wichtige-daten-3 against acid.zalan.do/postgresqls.${version}.yaml`,
      );
  });

  it('accept whatever lab is right', () => {
    // The older operator knows PostgreSQL up to 17.
    const newer = new CrdChecker(crds.filter(({ file }) => !file.includes('.v1.15.1.')));
    fc.assert(
      fc.property(arbitraryLab, (lab) => {
        const known = lab.cluster.postgres === 18 ? newer : checker;
        expect(known.check(stepsOf(lab, CHART_FILES)).problems).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('know every field of our own schemas, also those that no shipped lab sets', () => {
    const custom = Object.entries(KIND_SCHEMAS).filter(([kind]) => crds.some((each) => each.kind === kind));
    expect(custom.map(([kind]) => kind)).toEqual([
      'HelmChart',
      'IPAddressPool',
      'L2Advertisement',
      'postgresql',
    ]);
    for (const [kind, schema] of custom) {
      const upstream = crds.filter((each) => each.kind === kind && !each.file.includes('.v1.15.1.'));
      for (const { file, versions } of upstream) {
        const theirs = versions[0]?.schema ?? {};
        const ours = z.toJSONSchema(schema) as StructuralSchema;
        const { spec } = ours.properties ?? {};
        expect(unknownFields(spec ?? {}, theirs.properties?.['spec']), file).toEqual([]);
      }
    }
  });

  it('refuse what is unknown, of the wrong type, null or missing', () => {
    const validate = crdValidator(crd('postgresqls.v2.0.1.yaml'), 'v1');
    const [step] = stepsOf(shippedLab('lab.yaml')).filter(({ id }) => id === 'cluster');
    const object = step?.manifests[0]?.object;
    if (object?.kind !== 'postgresql') throw new Error('no cluster');
    const spoilt = (change: object) => validate({ ...object, spec: { ...object.spec, ...change } });
    expect(spoilt({})).toEqual([]);
    expect(spoilt({ useLoadBalancer: true })).toEqual(['/spec/useLoadBalancer: is not known to this schema']);
    expect(spoilt({ numberOfInstances: '3' })).toEqual(['/spec/numberOfInstances: must be integer']);
    expect(spoilt({ patroni: { ttl: 2 ** 31 } })).toHaveLength(1);
    expect(spoilt({ maintenanceWindows: null })).toEqual(['/spec/maintenanceWindows: must be array']);
    expect(spoilt({ teamId: undefined })).toHaveLength(1);
    expect(spoilt({ patroni: { ttl: 30, loopWait: 10 } })).toEqual([
      '/spec/patroni/loopWait: is not known to this schema',
    ]);
  });

  it("find typing errors in the operator's values", () => {
    const steps = stepsOf(shippedLab('lab.yaml')).map((step) => ({
      ...step,
      manifests: step.manifests.map((manifest) => {
        const { object } = manifest;
        if (object.kind !== 'HelmChart') return manifest;
        const valuesContent = object.spec.valuesContent.replace(
          'enable_pod_antiaffinity',
          'enable_pod_anti_affinity',
        );
        return { ...manifest, object: { ...object, spec: { ...object.spec, valuesContent } } };
      }),
    }));
    expect(checker.check(steps).problems).toEqual(
      ['v1.15.1', 'v2.0.1'].map(
        (version) =>
          `operator's values configKubernetes against acid.zalan.do/operatorconfigurations.${version}.yaml: ` +
          '/enable_pod_anti_affinity: is not known to this schema',
      ),
    );
  });
});

describe('the strict validator', () => {
  it('keeps to the rules of structural schemas', () => {
    const validate = schemaValidator({
      type: 'object',
      properties: {
        port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        map: { type: 'object', additionalProperties: { type: 'string' } },
        closed: { type: 'object' },
        gone: { type: 'string', nullable: true },
      },
    });
    expect(validate({ port: 1, free: { anything: 1 }, map: { a: 'b' }, closed: {}, gone: null })).toEqual([]);
    expect(validate({ port: 'http' })).toEqual([]);
    expect(validate({ port: 1.5 })).not.toEqual([]);
    expect(validate({ map: { a: 1 } })).toEqual(['/map/a: must be string']);
    expect(validate({ closed: { a: 1 } })).toEqual(['/closed/a: is not known to this schema']);
  });
});

/** The fields of ours, with their paths, that theirs does not have, or has with another type. */
function unknownFields(
  ours: StructuralSchema,
  theirs: StructuralSchema | undefined,
  path = 'spec',
): string[] {
  if (theirs === undefined) return [`${path}: unknown`];
  if (theirs['x-kubernetes-preserve-unknown-fields'] === true) return [];
  const wrong =
    ours.type === undefined || ours.type === theirs.type ? [] : [`${path}: ${ours.type}, not ${theirs.type}`];
  const fields = Object.entries(ours.properties ?? {}).flatMap(([name, each]) =>
    unknownFields(each, theirs.properties?.[name], `${path}.${name}`),
  );
  const items = ours.items === undefined ? [] : unknownFields(ours.items, theirs.items, `${path}[]`);
  const { additionalProperties: inner } = ours;
  const values =
    typeof inner === 'object'
      ? unknownFields(
          inner,
          typeof theirs.additionalProperties === 'object' ? theirs.additionalProperties : undefined,
          `${path}{}`,
        )
      : [];
  return [...wrong, ...fields, ...items, ...values];
}
