import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fields, list, map, selector, text } from '../schema/words.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { applyConfiguration, type Applied } from './apply.ts';
import { writeManagedFields } from './managers.ts';

const SCHEMA = fields({
  metadata: fields({ name: text, labels: map(text) }),
  spec: fields({
    word: text,
    free: map(text),
    tools: list(fields({ name: text, size: text }), {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    }),
    tags: list(text, { 'x-kubernetes-list-type': 'set' }),
    order: list(text),
    where: selector,
    deep: fields({ a: fields({ b: text, c: text }) }),
  }),
  apiVersion: text,
  kind: text,
});

const word = fc.constantFrom('1', '2', '3');
const name = fc.constantFrom('a', 'b', 'c');
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Nothing empty: who applies an emptied list twice changes the object twice, with the real server, too. */
const configurations: fc.Arbitrary<KubeObject> = fc
  .record({
    word: optional(word),
    free: optional(fc.dictionary(name, word, { minKeys: 1 })),
    tools: optional(
      fc.uniqueArray(fc.record({ name, size: word }), { selector: (each) => each.name, minLength: 1 }),
    ),
    tags: optional(fc.uniqueArray(name, { minLength: 1 })),
    order: fc.array(word),
    where: optional(fc.record({ matchLabels: fc.dictionary(name, word) })),
    deep: optional(fc.record({ a: fc.record({ b: word, c: optional(word) }) })),
  })
  .map((spec) => ({
    apiVersion: 'x/v1',
    kind: 'X',
    metadata: { name: 'x' },
    spec: JSON.parse(JSON.stringify(spec)) as object,
  }));

function apply(live: KubeObject, configuration: KubeObject, manager = 'one', force = false): KubeObject {
  const by = { manager, operation: 'Apply', apiVersion: 'x/v1', subresource: '' } as const;
  const { object, owners }: Applied = applyConfiguration(live, configuration, {
    schema: SCHEMA,
    by,
    force,
    now: 'now',
  });
  return { ...object, metadata: { ...object.metadata, managedFields: writeManagedFields(owners) } };
}

const EMPTY: KubeObject = { apiVersion: 'x/v1', kind: 'X', metadata: { name: 'x' } };

describe('applyConfiguration', () => {
  it('changes nothing when the same is applied again', () => {
    fc.assert(
      fc.property(configurations, configurations, (first, second) => {
        const once = apply(apply(EMPTY, first), second);
        expect(apply(once, second)).toEqual(once);
      }),
    );
  });

  it('leaves nothing behind of what a single manager does not apply any more', () => {
    fc.assert(
      fc.property(configurations, configurations, (first, second) => {
        const after = apply(apply(EMPTY, first), second);
        expect(after.metadata.managedFields).toEqual(apply(EMPTY, second).metadata.managedFields);
        expect(after['spec']).toEqual(apply(EMPTY, second)['spec']);
      }),
    );
  });

  it('never changes what another manager owns, unless it is forced', () => {
    fc.assert(
      fc.property(configurations, configurations, (theirs, mine) => {
        const before = apply(EMPTY, theirs, 'other');
        let after: KubeObject;
        try {
          after = apply(before, mine);
        } catch (error) {
          expect(String(error)).toContain('conflict');
          const forced = apply(before, mine, 'one', true);
          expect(apply(forced, mine)).toEqual(forced);
          return;
        }
        expect(apply(after, theirs, 'other')).toEqual(after);
      }),
    );
  });
});
