import { describe, expect, it } from 'vitest';
import { definition } from '../src/definitions/definition.ts';
import { fields, int, list, open, selector, text } from '../src/schema/words.ts';
import { ManualClock } from '../src/index.ts';
import { raw } from './support/raw.ts';
import {
  applyDefinition,
  failureOf,
  untilDiscovered,
  useFakeKubeApi,
  type AnyObject,
  type Clients,
} from './support/use-fake-kube-api.ts';

const CROP = definition(
  { group: 'farm.example.com', version: 'v1', kind: 'Crop', plural: 'crops' },
  fields(
    {
      spec: fields(
        {
          rows: { ...int, minimum: 1 },
          sort: { type: 'string', enum: ['wheat', 'rye'], default: 'wheat' },
          port: { 'x-kubernetes-int-or-string': true },
          note: { type: 'string', nullable: true },
          tools: list(fields({ name: text, size: int }), {
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
          }),
          tags: list(text, { 'x-kubernetes-list-type': 'set' }),
          order: list(text),
          where: selector,
          free: open,
        },
        ['rows'],
      ),
      status: fields({ ripe: { type: 'boolean' } }),
    },
    ['spec'],
  ),
);

const PLURAL = { group: 'farm.example.com', version: 'v1', namespace: 'default', plural: 'crops' };
const PATH = '/apis/farm.example.com/v1/namespaces/default/crops';

function crop(spec: object, metadata: object = {}): AnyObject {
  return {
    apiVersion: 'farm.example.com/v1',
    kind: 'Crop',
    metadata: { name: 'one', namespace: 'default', ...metadata },
    spec: { ...spec },
  };
}

async function withCrops(): Promise<Clients> {
  const clients = await useFakeKubeApi();
  await applyDefinition(clients, CROP);
  await untilDiscovered(clients, 'farm.example.com/v1');
  return clients;
}

describe('custom resources', () => {
  it('are there once their definition is established, and in discovery a little later', async () => {
    const clock = new ManualClock();
    const clients = await useFakeKubeApi({ clock, definitions: { establishMs: 20, discoverMs: 50 } });
    const { server } = clients;
    expect(await raw(server, PATH)).toMatchObject({ code: 404, text: '404 page not found\n' });
    const created = await applyDefinition(clients, CROP);
    expect(created.status?.['conditions']).toEqual([]);
    clock.advance(19);
    expect((await raw(server, PATH)).code).toBe(404);
    clock.advance(1);
    expect((await raw(server, PATH)).code).toBe(200);
    const read = (await clients.objects.read(CROP as never)) as unknown as {
      status: { conditions: { type: string; status: string }[] };
    };
    expect(read.status.conditions.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'NamesAccepted=True',
      'Established=True',
    ]);
    expect((await raw(server, '/apis/farm.example.com/v1')).code).toBe(404);
    clock.advance(50);
    expect(JSON.parse((await raw(server, '/apis/farm.example.com/v1')).text)).toMatchObject({
      resources: [{ name: 'crops', kind: 'Crop' }, { name: 'crops/status' }],
    });
  });

  it('go with their definition', async () => {
    const { objects, custom, server } = await withCrops();
    await custom.createNamespacedCustomObject({ ...PLURAL, body: crop({ rows: 1 }) });
    await objects.delete(CROP);
    expect((await raw(server, PATH)).text).toBe('404 page not found\n');
  });

  it('are pruned, defaulted and without nulls that may not be', async () => {
    const { custom } = await withCrops();
    const created = (await custom.createNamespacedCustomObject({
      ...PLURAL,
      body: crop({ rows: 1, unknown: 1, note: null, order: null, free: { any: [1] } }),
    })) as AnyObject;
    expect(created.spec).toEqual({ rows: 1, sort: 'wheat', note: null, free: { any: [1] } });
    const refused = await failureOf(
      custom.createNamespacedCustomObject({
        ...PLURAL,
        body: crop({ rows: 1, unknown: 1 }, { name: 'two' }),
        fieldValidation: 'Strict',
      }),
    );
    expect(refused.body).toMatchObject({
      code: 400,
      message:
        'Crop in version "v1" cannot be handled as a Crop: strict decoding error: unknown field "spec.unknown"',
    });
  });

  it('are refused with every cause when they break their schema', async () => {
    const { custom } = await withCrops();
    const failure = await failureOf(
      custom.createNamespacedCustomObject({
        ...PLURAL,
        body: crop({
          rows: 'many',
          sort: 'oats',
          tools: [{ name: 'a' }, { name: 'a' }],
          tags: ['x', 'x'],
          port: true,
        }),
      }),
    );
    expect(failure.code).toBe(422);
    expect(failure.body.message).toMatch(/^Crop\.farm\.example\.com "one" is invalid: \[/);
    expect(failure.body.details?.causes).toEqual(
      expect.arrayContaining([
        {
          reason: 'FieldValueTypeInvalid',
          field: 'spec.rows',
          message: 'Invalid value: "string": spec.rows in body must be of type integer: "string"',
        },
        {
          reason: 'FieldValueNotSupported',
          field: 'spec.sort',
          message: 'Unsupported value: "oats": supported values: "wheat", "rye"',
        },
        { reason: 'FieldValueDuplicate', field: 'spec.tools[1]', message: 'Duplicate value: {"name":"a"}' },
        { reason: 'FieldValueDuplicate', field: 'spec.tags[1]', message: 'Duplicate value: "x"' },
      ]),
    );
    const missing = await failureOf(custom.createNamespacedCustomObject({ ...PLURAL, body: crop({}) }));
    expect(missing.body.message).toBe('Crop.farm.example.com "one" is invalid: spec.rows: Required value');
    const small = await failureOf(
      custom.createNamespacedCustomObject({ ...PLURAL, body: crop({ rows: 0 }) }),
    );
    expect(small.body.message).toContain('spec.rows in body should be greater than or equal to 1');
  });

  it('fail in another way when they are applied', async () => {
    const { apply } = await withCrops();
    const wrong = await failureOf(apply(crop({ rows: 'many' })));
    expect(wrong.body).toMatchObject({
      code: 500,
      message:
        'failed to create typed patch object (default/one; farm.example.com/v1, Kind=Crop): .spec.rows: expected numeric (int or float), got string',
    });
    expect(wrong.body.reason).toBeUndefined();
    const unknown = await failureOf(apply(crop({ rows: 1, unknown: 1 })));
    expect(unknown.body.message).toContain('.spec.unknown: field not declared in schema');
    const invalid = await failureOf(apply(crop({ rows: 0 })));
    expect(invalid.body).toMatchObject({ code: 422, reason: 'Invalid' });
  });

  it('merge as their schema says when they are applied', async () => {
    const { apply } = await withCrops();
    await apply(
      crop({
        rows: 1,
        tools: [{ name: 'a', size: 1 }, { name: 'b' }],
        tags: ['x'],
        order: ['1', '2'],
        where: { matchLabels: { a: '1' } },
        free: { mine: 1 },
      }),
    );
    const other = await apply(crop({ tools: [{ name: 'c' }], tags: ['y'], free: { theirs: 2 } }), {
      manager: 'other',
    });
    expect(other.spec).toMatchObject({ tags: ['x', 'y'], free: { mine: 1, theirs: 2 } });
    const after = await apply(
      crop({ rows: 1, tools: [{ name: 'b' }], tags: [], order: ['3'], where: { matchLabels: { b: '2' } } }),
    );
    expect(after.spec).toEqual({
      rows: 1,
      sort: 'wheat',
      tools: [{ name: 'b' }, { name: 'c' }],
      tags: ['y'],
      order: ['3'],
      where: { matchLabels: { b: '2' } },
      free: { theirs: 2 },
    });
    expect(after.metadata?.generation).toBe(3);
    const conflict = await failureOf(apply(crop({ rows: 5 }), { manager: 'other' }));
    expect(conflict.body.details?.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "deploy"', field: '.spec.rows' },
    ]);
  });

  it('keep version and generation when the same is applied again', async () => {
    const { apply } = await withCrops();
    const first = await apply(crop({ rows: 1, order: [], free: {} }));
    const second = await apply(crop({ rows: 1, order: [], free: {} }));
    expect(second.metadata).toMatchObject({
      generation: 1,
      resourceVersion: first.metadata?.resourceVersion,
    });
  });

  it('have their status written on a path of its own', async () => {
    const { custom, apply } = await withCrops();
    const created = (await custom.createNamespacedCustomObject({
      ...PLURAL,
      body: { ...crop({ rows: 1 }), status: { ripe: true } },
    })) as AnyObject;
    expect(created.status).toBeUndefined();
    const written = (await custom.replaceNamespacedCustomObjectStatus({
      ...PLURAL,
      name: 'one',
      body: { ...created, spec: { rows: 9 }, status: { ripe: true } },
    })) as AnyObject;
    expect(written).toMatchObject({ spec: { rows: 1 }, status: { ripe: true }, metadata: { generation: 1 } });
    const applied = await apply(crop({ rows: 1 }), { force: true });
    expect(applied.status).toEqual({ ripe: true });
    expect(
      applied.metadata?.managedFields?.find(({ subresource }) => subresource === 'status')?.fieldsV1,
    ).toEqual({ 'f:status': { '.': {}, 'f:ripe': {} } });
  });

  it('need a version to be replaced, and know no strategic merge', async () => {
    const { custom, server } = await withCrops();
    await custom.createNamespacedCustomObject({ ...PLURAL, body: crop({ rows: 1 }) });
    const failure = await failureOf(
      custom.replaceNamespacedCustomObject({ ...PLURAL, name: 'one', body: crop({ rows: 2 }) }),
    );
    expect(failure.body).toMatchObject({ code: 422 });
    expect(failure.body.message).toContain(
      'metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
    const strategic = await raw(server, `${PATH}/one`, {
      method: 'PATCH',
      contentType: 'application/strategic-merge-patch+json',
      body: {},
    });
    expect(strategic.code).toBe(415);
  });
});
