import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { examineLab } from '../config/examine.ts';
import type { LiveObject } from '../kube/live-object.ts';
import { membersOf } from './members.ts';
import { judgeMembers } from './verify/cluster-checks.ts';

const examined = examineLab(readFileSync(new URL('../../lab.yaml', import.meta.url), 'utf8'));
if (!examined.ok) throw new Error('the shipped lab is wrong');
const { lab } = examined;

/** A pod as the operator and Patroni leave it. */
function pod(n: number, role: string, said: object = {}, metadata: object = {}): LiveObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `db-${n}`,
      labels: { 'spilo-role': role },
      annotations: {
        status: JSON.stringify({ state: 'running', timeline: 2, xlog_location: 1_000, ...said }),
      },
      ...metadata,
    },
    spec: { nodeName: `node${n}` },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

const whole = [pod(10, 'replica'), pod(2, 'replica', { xlog_location: 400 }), pod(0, 'master')];

describe('the members', () => {
  it('are told by labels, annotations and what Patroni keeps beside the lease', () => {
    expect(membersOf(whole, '1000', 'db-2')).toMatchObject([
      { pod: 'db-0', node: 'node0', role: 'primary', isReady: true, timeline: 2, lagBytes: undefined },
      { pod: 'db-2', role: 'standby', lagBytes: 600, isSynchronous: true },
      { pod: 'db-10', role: 'standby', lagBytes: 0, isSynchronous: false },
    ]);
  });

  it('may say nothing, or nonsense', () => {
    const silent = pod(0, 'master', {}, { annotations: { status: '{' } });
    expect(membersOf([silent, pod(1, '')], undefined, undefined)).toMatchObject([
      { role: 'primary', state: undefined, timeline: undefined },
      { role: 'unknown', lagBytes: undefined },
    ]);
  });
});

describe('the judgement of the members', () => {
  const judge = (pods: readonly LiveObject[], confirming = 'db-2') =>
    judgeMembers(membersOf(pods, '100000000', confirming), lab);
  const ahead = { xlog_location: 100_000_000 };
  const [primary, standby] = [
    pod(0, 'master', ahead),
    (n: number, said = {}) => pod(n, 'replica', { ...ahead, ...said }),
  ];

  it.each([
    ['no-primary', [standby(0), standby(1), standby(2)]],
    ['several-primaries', [primary, pod(1, 'master', ahead), standby(2)]],
    ['member-missing', [primary, standby(2)]],
    ['member-missing', [primary, standby(2), pod(1, 'replica', ahead, { deletionTimestamp: 'now' })]],
    ['member-state', [primary, standby(2), standby(1, { state: 'start failed' })]],
    ['member-state', [primary, standby(2), pod(1, '', ahead)]],
    ['member-timeline', [primary, standby(2), standby(1, { timeline: 1 })]],
    ['member-behind', [primary, standby(2), standby(1, { xlog_location: 5 })]],
  ])('is %s', (is, pods) => {
    expect(judge(pods)).toMatchObject({ state: 'failed', fault: { is } });
  });

  it('is that nobody confirms, where writes are to be confirmed', () => {
    const pods = [primary, standby(1), standby(2)];
    expect(judge(pods, '')).toMatchObject({ state: 'failed', fault: { is: 'nobody-confirms' } });
    expect(judge(pods)).toEqual({
      state: 'ok',
      fact: { is: 'members-follow', primary: 'db-0', standbys: ['db-1', 'db-2'] },
    });
  });
});
