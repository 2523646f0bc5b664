/**
 * Ways to break the client on purpose. A simulation that does not notice them would prove nothing. `find` must occur
 * exactly once in the file, so that a mutation whose place has changed is told from one that is not noticed.
 */
export interface Mutation {
  readonly name: string;
  /** Below `packages/client/src`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'repeats after an unknown outcome',
    file: 'execution/statement-attempt.ts',
    find: "if (verdict.action === 'settle')",
    replace: 'if (false as boolean)',
  },
  {
    name: 'takes a lost COMMIT for one that failed',
    file: 'execution/commit.ts',
    find: "if (outcome === 'unknown' && error instanceof Error) return { state: 'unknown', error };",
    replace: '',
  },
  {
    name: 'accepts a primary on an older timeline',
    file: 'policy/topology.ts',
    find: 'if (timeline < highest) {',
    replace: 'if (timeline < 0) {',
  },
  {
    name: 'forgets the timeline of a primary that is unfit for its endpoint',
    file: 'policy/topology.ts',
    find: 'news: this.#learn(identity) }',
    replace: 'news: undefined }',
  },
  {
    name: 'lends connections of an older generation again',
    file: 'endpoint/exclusive-lane.ts',
    find: 'member.retired = true;',
    replace: 'continue;',
  },
  {
    name: 'goes on in a transaction whose primary was replaced',
    file: 'endpoint/exclusive-lane.ts',
    find: 'else member.connection.wire.finish(reason);',
    replace: '',
  },
  {
    name: 'does not check the role',
    file: 'policy/topology.ts',
    find: 'if (identity.role !== wanted) {',
    replace: 'if (false as boolean) {',
  },
  {
    name: 'forgets a waiting caller on close',
    file: 'endpoint/waiting-line.ts',
    find: 'waiter.reject(makeError());',
    replace: '',
  },
  {
    name: 'gives a repetition a deadline of its own',
    file: 'execution/operation.ts',
    find: 'await leaseFor(deadline, plan, operation);',
    replace:
      'await leaseFor(attempt > 1 ? new Deadline(execution.clock, operation.deadlineMs) : deadline, plan, operation);',
  },
  {
    name: 'waits for a statement past the deadline',
    file: 'execution/operation.ts',
    find: "const stopWaiting = deadline.onOver(() => wire.destroy(new Error('the caller stopped waiting')));",
    replace: 'const stopWaiting = () => {};',
  },
  {
    name: "takes settle's no for a yes",
    file: 'execution/operation.ts',
    find: 'if (await settle(execution, commit, deadline, end.cause))',
    replace: 'await settle(execution, commit, deadline, end.cause);',
  },
  {
    name: "takes settle's yes for a no",
    file: 'execution/operation.ts',
    find: 'if (await settle(execution, commit, deadline, end.cause))',
    replace: 'await settle(execution, commit, deadline, end.cause); if (false as boolean)',
  },
  {
    name: 'trusts a settle whose own commit was not confirmed',
    file: 'execution/commit-outcome.ts',
    find: "return unconfirmed || answer[3]?.command !== 'COMMIT' ? undefined : committed;",
    replace: 'return committed;',
  },
  {
    name: 'takes an unconfirmed commit for a confirmed one',
    file: 'execution/commit.ts',
    find: "if (!unconfirmed) return { state: 'committed' };",
    replace: "return { state: 'committed' };",
  },
  {
    name: 'takes the tag ROLLBACK for a success',
    file: 'execution/commit.ts',
    find: "if (result?.command !== 'COMMIT') return { state: 'failed', error: rolledBack() };",
    replace: '',
  },
  {
    name: 'never gives back the lease of a lost connection',
    file: 'endpoint/exclusive-lane.ts',
    find: "if (released) throw new Error('a lease was released twice');",
    replace:
      "if (released) throw new Error('a lease was released twice'); if (member.connection.wire.lostBecause !== undefined) return;",
  },
  {
    name: 'uses the same name for the next attempt',
    file: 'execution/commit-slots.ts',
    find: 'seq += 1;',
    replace: 'seq = Math.max(seq, 1);',
  },
  {
    name: 'calls a lost idempotent statement not executed',
    file: 'execution/attempt.ts',
    find: "mayHaveHappened: outcome === 'unknown'",
    replace: 'mayHaveHappened: false',
  },
  {
    name: 'opens connections without limit',
    file: 'endpoint/exclusive-lane.ts',
    find: 'const MAX_OPENING = 2;',
    replace: 'const MAX_OPENING = 50;',
  },
  {
    name: 'never gives up a connection attempt that hangs',
    file: 'endpoint/connect.ts',
    find: 'punctual && responsive.now() - quietSince >= connectSilenceMs',
    replace: 'punctual && responsive.now() - quietSince >= 1e9',
  },
  {
    name: 'does not refuse callers over the limit of the waiting line',
    file: 'endpoint/exclusive-lane.ts',
    find: 'if (this.#line.size - room >= this.#options.maxWaiting && waiting.urgent !== true)',
    replace: 'if (false as boolean)',
  },
  {
    name: 'leaves a timer behind when it is closed',
    file: 'endpoint/exclusive-lane.ts',
    find: 'this.#pause?.cancel();\n    this.#rampPause?.cancel();',
    replace: 'this.#rampPause?.cancel();',
  },
  {
    name: 'repeats without regard to the budget',
    file: 'execution/operation.ts',
    find: 'const waitMs = deadline.over ? 0 : budget.spend(failed + 1, clock.now());',
    replace: 'const waitMs = 0;',
  },
  {
    name: 'leaves a refusal by a standby (25006) to the app',
    file: 'execution/attempt.ts',
    find: 'if (onStandby && mayBeForBeingStandby(codeOf(error)))',
    replace: 'if (false as boolean)',
  },
  {
    name: 'lets the failure of a probe go unheard',
    file: 'endpoint/server-watch.ts',
    find: "unused.wire.query({ text: PROBE }).catch(() => (probe.state = 'failed'));",
    replace: 'void unused.wire.query({ text: PROBE });',
  },
  {
    name: 'emits an error that nobody listens to',
    file: 'endpoint/pooled-connection.ts',
    find: "if (this.idle) this.emit('error', new Error('the connection is gone'));",
    replace: "this.emit('error', new Error('the connection is gone'));",
  },
  {
    name: 'goes by a token without timeline',
    file: 'policy/position.ts',
    find: 'const followsIt = demand.timeline === undefined || known.timeline === demand.timeline;',
    replace: 'const followsIt = true;',
  },
  {
    // As in the same statement, the snapshot is older than the position that vouches for it.
    name: 'takes the LSN proof in the same statement',
    file: 'execution/proof.ts',
    find: 'const [proof, ...answers] = await wire.flush([{ text: replayed.question(demand) }, ...statements]);',
    replace:
      'const all = await wire.flush([...statements, { text: replayed.question(demand) }]); const proof = all.at(-1); const answers = all.slice(0, -1);',
  },
  {
    name: 'trusts a diverged replica',
    file: 'execution/proof.ts',
    find: "if (proof?.status === 'fulfilled') replayed.learn(proof.value.rows[0] as PositionRow);",
    replace:
      "if (proof?.status === 'fulfilled') replayed.learn({ ...(proof.value.rows[0] as PositionRow), timeline: demand.timeline ?? null });",
  },
  {
    name: 'forgets what a session has read on a replica',
    file: 'router/consistency.ts',
    find: 'own.replicaAt(position);',
    replace: '',
  },
  {
    name: 'forgets what was written when its position was lost',
    file: 'router/consistency.ts',
    find: "else if (of === 'write' || watermark === own) watermark.lose();",
    replace: '',
  },
  {
    name: 'forgets what was written',
    file: 'router/consistency.ts',
    find: "if (position !== undefined) watermark.primaryAt(position, before, of === 'read');",
    replace:
      "if (position !== undefined) { if (of === 'read') watermark.primaryAt(position, before, true); }",
  },
  {
    name: 'reads from replicas however stale they are',
    file: 'policy/samples.ts',
    find: 'now - this.#samples[0].at > this.#maxStalenessMs',
    replace: 'now - this.#samples[0].at > 1e9',
  },
];
