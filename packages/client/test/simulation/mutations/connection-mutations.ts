/** Of connections and servers. */
import type { Mutation } from './mutation.ts';

export const CONNECTION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'accepts a primary on an older timeline',
    edits: [
      { file: 'policy/topology.ts', find: 'if (timeline < highest) {', replace: 'if (timeline < 0) {' },
    ],
  },
  {
    name: 'forgets the timeline of a primary that is unfit for its endpoint',
    edits: [
      { file: 'policy/topology.ts', find: 'news: this.#learn(identity) }', replace: 'news: undefined }' },
    ],
  },
  {
    name: 'lends connections of an older generation again',
    edits: [{ file: 'endpoint/exclusive-lane.ts', find: 'member.retired = true;', replace: 'continue;' }],
  },
  {
    name: 'goes on in a transaction whose primary was replaced',
    edits: [
      {
        file: 'endpoint/exclusive-lane.ts',
        find: 'member.connection.wire.finish(reason);',
        replace: '',
      },
    ],
  },
  {
    name: 'does not check the role',
    edits: [
      {
        file: 'policy/topology.ts',
        find: 'if (identity.role !== wanted) {',
        replace: 'if (false as boolean) {',
      },
    ],
  },
  {
    name: 'forgets a waiting caller on close',
    edits: [{ file: 'endpoint/waiting-line.ts', find: 'waiter.reject(makeError());', replace: '' }],
  },
  {
    name: 'never gives back the lease of a lost connection',
    edits: [
      {
        file: 'endpoint/exclusive-lane.ts',
        find: "if (released) throw new Error('a lease was released twice');",
        replace:
          "if (released) throw new Error('a lease was released twice'); if (member.connection.wire.lostBecause !== undefined) return;",
      },
    ],
  },
  {
    name: 'opens connections without limit',
    edits: [
      {
        file: 'endpoint/exclusive-lane.ts',
        find: 'const MAX_OPENING = 2;',
        replace: 'const MAX_OPENING = 50;',
      },
    ],
  },
  {
    name: 'never gives up a connection attempt that hangs',
    edits: [
      {
        file: 'endpoint/connect.ts',
        find: 'punctual && responsive.now() - quietSince >= connectSilenceMs',
        replace: 'punctual && responsive.now() - quietSince >= 1e9',
      },
    ],
  },
  {
    name: 'does not refuse callers over the limit of the waiting line',
    edits: [
      {
        file: 'endpoint/exclusive-lane.ts',
        find: 'if (this.#line.size - room >= this.#options.maxWaiting && waiting.urgent !== true)',
        replace: 'if (false as boolean)',
      },
    ],
  },
  {
    name: 'leaves a timer behind when it is closed',
    edits: [
      {
        file: 'endpoint/exclusive-lane.ts',
        find: 'this.#pause?.cancel();\n    this.#rampPause?.cancel();',
        replace: 'this.#rampPause?.cancel();',
      },
    ],
  },
  {
    name: 'lets the failure of a probe go unheard',
    edits: [
      {
        file: 'endpoint/server-watch.ts',
        find: "unused.wire.query({ text: PROBE }).catch(() => (probe.state = 'failed'));",
        replace: 'void unused.wire.query({ text: PROBE });',
      },
    ],
  },
  {
    name: 'emits an error that nobody listens to',
    edits: [
      {
        file: 'endpoint/pooled-connection.ts',
        find: "if (this.idle) this.emit('error', new Error('the connection is gone'));",
        replace: "this.emit('error', new Error('the connection is gone'));",
      },
    ],
  },
];
