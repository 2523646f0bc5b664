import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DeployError } from '../errors/deploy-error.ts';
import { chartVersion } from '../manifests/chart-version.ts';
import { CHARTS } from '../manifests/pins.ts';
import type { FieldChange } from './difference.ts';
import type { ResourcePlan } from './examine.ts';
import { assertVersions, judgeChart, judged, judgePostgres, versionChange } from './versions.ts';

const PINNED = CHARTS.metallb.version;

describe('a change of version', () => {
  it.each([
    ['0.16.0', '0.16.1', 'upgrade'],
    ['0.15.3', '0.16.1', 'upgrade'],
    ['0.9.0', '0.10.0', 'upgrade'],
    ['v0.16.0', '0.16.1', 'upgrade'],
    ['0.16.1-rc.1', '0.16.1', 'upgrade'],
    ['0.16.1-rc.9', '0.16.1-rc.10', 'upgrade'],
    ['0.16.1-1', '0.16.1-rc', 'upgrade'],
    ['0.16.1-rc', '0.16.1-rc.1', 'upgrade'],
    ['0.14.9', '0.16.1', 'wide'],
    ['1.15.1', '2.0.1', 'wide'],
    ['0.16.2', '0.16.1', 'downgrade'],
    ['0.16.10', '0.16.9', 'downgrade'],
    ['0.17.0', '0.16.1', 'downgrade'],
    ['2.0.0', '1.20.3', 'downgrade'],
    ['0.16.1', '0.16.1-rc.1', 'downgrade'],
    ['0.16.1-rc.10', '0.16.1-rc.9', 'downgrade'],
    ['0.16.1-rc.1', '0.16.1-rc', 'downgrade'],
    [undefined, '0.16.1', 'unknown'],
    ['0.16.x', '0.16.1', 'unknown'],
    ['^0.16.0', '0.16.1', 'unknown'],
  ] as const)('of a chart from %s to %s is: %s', (from, to, verdict) => {
    expect(judgeChart(from, to)).toBe(verdict);
  });

  it.each([
    ['16', '17', 'major'],
    ['9', '14', 'major'],
    ['17', '16', 'downgrade'],
    [undefined, '16', 'unknown'],
  ] as const)('of PostgreSQL from %s to %s is: %s', (from, to, verdict) => {
    expect(judgePostgres(from, to)).toBe(verdict);
  });

  it('is read from a plan, also where others have changed the version', () => {
    const fields = [{ path: 'spec.version', before: '0.15.0', after: PINNED }];
    const change = { part: 'metallb', from: '0.15.0', to: PINNED, verdict: 'upgrade' };
    expect(versionChange(chart(fields))).toEqual(change);
    const { resource } = chart(fields);
    expect(versionChange({ resource, action: 'conflict', owners: [], fields })).toEqual(change);
    expect(versionChange(chart([{ path: 'spec.timeout', before: '5m', after: '10m' }]))).toBeUndefined();
    expect(versionChange({ resource, action: 'unchanged' })).toBeUndefined();
    expect(versionChange({ resource, action: 'create' })).toBeUndefined();
  });

  it('is read from the content of a chart that runs', () => {
    const fields = [{ path: 'spec.chartContent', before: packed('0.17.0'), after: packed(PINNED) }];
    expect(versionChange(chart(fields))).toMatchObject({ from: '0.17.0', verdict: 'downgrade' });
    const strange = [{ path: 'spec.chartContent', before: 'bm8gY2hhcnQ=', after: packed(PINNED) }];
    expect(versionChange(chart(strange))).toMatchObject({ from: undefined, verdict: 'unknown' });
  });

  it('is refused, all parts at once, where there is no safe way', () => {
    const plans = [
      chart([{ path: 'spec.version', before: '0.17.0', after: PINNED }]),
      postgresql('16', '17'),
    ];
    const refused = [
      { part: 'metallb', from: '0.17.0', to: PINNED, why: 'downgrade' },
      { part: 'postgresql', from: '16', to: '17', why: 'major' },
    ];
    expect(failureOf(() => assertVersions(plans))).toEqual({ code: 'versions-refused', refused });
    expect(() =>
      assertVersions([chart([{ path: 'spec.version', before: '0.9.0', after: PINNED }])]),
    ).not.toThrow();
  });

  it('is marked in the plan where it is refused, whoever has changed it', () => {
    const fields = [{ path: 'spec.version', before: '0.17.0', after: PINNED }];
    const { resource } = chart(fields);
    const refused = {
      resource,
      action: 'version-refused',
      part: 'metallb',
      from: '0.17.0',
      to: PINNED,
      why: 'downgrade',
      fields,
    };
    expect(judged(chart(fields))).toEqual(refused);
    expect(judged({ resource, action: 'conflict', owners: [], fields })).toEqual(refused);
    // What was marked is refused all the same.
    expect(() => assertVersions([judged(chart(fields))])).toThrow(DeployError);
    const forward = chart([{ path: 'spec.version', before: '0.15.0', after: PINNED }]);
    expect(judged(forward)).toBe(forward);
  });
});

describe('the version of a packed chart', () => {
  it('is that of its Chart.yaml, wherever in the archive, and of no chart within', () => {
    expect(chartVersion(packed('1.2.3'))).toBe('1.2.3');
    const cut = Buffer.from(packed('1.2.3'), 'base64').subarray(0, 60).toString('base64');
    for (const other of ['', 'bm8gY2hhcnQ=', cut]) expect(chartVersion(other)).toBeUndefined();
  });
});

function chart(fields: readonly FieldChange[]): ResourcePlan {
  const resource = { kind: 'HelmChart', namespace: 'kube-system', name: 'metallb' } as const;
  return { resource, action: 'change', fields };
}

function postgresql(before: string, after: string): ResourcePlan {
  const resource = { kind: 'postgresql', namespace: 'default', name: 'a' } as const;
  return { resource, action: 'change', fields: [{ path: 'spec.postgresql.version', before, after }] };
}

/** As `helm package` does, with a subchart of another version before it. */
function packed(version: string): string {
  const files = {
    'metallb/charts/crds/Chart.yaml': 'name: crds\nversion: 9.9.9\n',
    'metallb/values.yaml': '#'.repeat(700),
    'metallb/Chart.yaml': `name: metallb\nversion: ${version}\n`,
  };
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124);
    const content = Buffer.alloc(Math.ceil(text.length / 512) * 512);
    content.write(text);
    return [header, content];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1_024)])).toString('base64');
}

function failureOf(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    if (error instanceof DeployError) return error.failure;
    throw error;
  }
  return undefined;
}
