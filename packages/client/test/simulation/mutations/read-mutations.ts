/** Of what reads must not miss. */
import type { Mutation } from './mutation.ts';

export const READ_MUTATIONS: readonly Mutation[] = [
  {
    name: 'goes by a token without timeline',
    edits: [
      {
        file: 'policy/position.ts',
        find: 'const followsIt = demand.timeline === undefined || known.timeline === demand.timeline;',
        replace: 'const followsIt = true;',
      },
    ],
  },
  {
    // As in the same statement, the snapshot is older than the position that vouches for it.
    name: 'takes the LSN proof in the same statement',
    edits: [
      {
        file: 'execution/proof.ts',
        find: 'const [proof, ...answers] = await wire.flush([{ text: replayed.question(demand) }, ...statements]);',
        replace:
          'const all = await wire.flush([...statements, { text: replayed.question(demand) }]); const proof = all.at(-1); const answers = all.slice(0, -1);',
      },
    ],
  },
  {
    name: 'trusts a diverged replica',
    edits: [
      {
        file: 'execution/proof.ts',
        find: "if (proof?.status === 'fulfilled') replayed.learn(proof.value.rows[0] as PositionRow);",
        replace:
          "if (proof?.status === 'fulfilled') replayed.learn({ ...(proof.value.rows[0] as PositionRow), timeline: demand.timeline ?? null });",
      },
    ],
  },
  {
    name: 'forgets what a session has read on a replica',
    edits: [{ file: 'router/consistency.ts', find: 'own.replicaAt(position);', replace: '' }],
  },
  {
    name: 'forgets what was written when its position was lost',
    edits: [
      {
        file: 'router/consistency.ts',
        find: "else if (of === 'write' || watermark === own) watermark.lose();",
        replace: '',
      },
    ],
  },
  {
    name: 'forgets what was written',
    edits: [
      {
        file: 'router/consistency.ts',
        find: "if (position !== undefined) watermark.primaryAt(position, before, of === 'read');",
        replace:
          "if (position !== undefined) { if (of === 'read') watermark.primaryAt(position, before, true); }",
      },
    ],
  },
  {
    name: 'reads from replicas however stale they are',
    edits: [
      {
        file: 'policy/samples.ts',
        find: 'now - this.#samples[0].at > this.#maxStalenessMs',
        replace: 'now - this.#samples[0].at > 1e9',
      },
    ],
  },
];
