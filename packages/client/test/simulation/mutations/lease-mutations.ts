/** Of leases. */
import type { Mutation } from './mutation.ts';

export const LEASE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'lends a lease again that was given back in a transaction',
    edits: [
      {
        file: 'endpoint/exclusive-lane.ts',
        find: "wire.lostBecause === undefined && wire.transactionStatus === 'idle' && wire.unanswered === 0;",
        replace: 'wire.lostBecause === undefined && wire.unanswered === 0;',
      },
    ],
  },
  {
    name: 'lends a session again whose state was changed',
    edits: [
      {
        file: 'execution/held-connection.ts',
        find: 'if (this.#sessionChanges > 0) wire',
        replace: 'if (false as boolean) wire',
      },
    ],
  },
  {
    name: 'does not report the loss of notifications',
    edits: [
      {
        file: 'api/listen.ts',
        find: 'for (const { channel, onGap } of missed) harmless(() => onGap?.({ channel, deafMs, reason }));',
        replace: '',
      },
    ],
  },
  {
    name: 'reports the loss of notifications before it listens again',
    edits: [
      {
        file: 'api/listen.ts',
        find: 'this.#deafSince ??= {',
        replace:
          "for (const { channel, onGap } of this.#subscribers) onGap?.({ channel, deafMs: 0, reason: '' }); const early: { at: number; reason: string } = {",
      },
    ],
  },
  {
    name: 'takes a lock that was lost for one that was held',
    edits: [
      {
        file: 'execution/advisory-lock.ts',
        find: 'if (!(await unlock(held, plan))) throw lost(held, plan);',
        replace: 'await unlock(held, plan);',
      },
    ],
  },
  {
    name: 'lets the holder of a lock wait for a primary that was replaced',
    edits: [
      {
        file: 'execution/advisory-lock.ts',
        find: 'held.onRetired(({ message }) => held.end(new Error(message)));',
        replace: '',
      },
    ],
  },
  {
    name: 'takes a stream that broke for one that has ended',
    edits: [
      {
        file: 'execution/stream.ts',
        find: `throw streamFailure(
          error,
          verdictOn(error, 'streaming', plan.isRead ? 'read' : 'effectful'),
          deadline,
        );`,
        replace: 'return;',
      },
    ],
  },
  {
    name: 'takes a lease that has written for one that has not',
    edits: [
      {
        file: 'execution/held-connection.ts',
        find: 'if (!readOnly && !isControl) this.#wrote = true;',
        replace: '',
      },
    ],
  },
  {
    name: 'forgets what was written on a lease',
    edits: [
      {
        file: 'api/create-school-db.ts',
        find: "onWrote: () => this.#consistency.ofClient.expect('write')?.(undefined),",
        replace: 'onWrote: () => {},',
      },
    ],
  },
];
