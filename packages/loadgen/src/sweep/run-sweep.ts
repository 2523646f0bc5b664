/**
 * Cuts the connection under each operation at every message of the protocol, in both directions, lets something happen
 * to the cluster before the client may ask, and holds what the caller is told against what the database holds.
 *
 * All operations of a route run at once, each on a connection of its own: the fault counts the messages of each
 * connection by itself, so one message number cuts them all, and one promotion serves them all.
 */
import type { EndpointKind } from '@schooldb/local-cluster';
import type { SchoolDbOptions } from '@schooldb/client';
import type { BenchContext } from '../bench/run-failover.ts';
import { missingIn } from '../bed/await-whole.ts';
import type { EngineName } from '../options/engine.ts';
import { epochMs } from '../measure/clock.ts';
import { pause, within } from '../measure/pause.ts';
import { Cleanup } from '../run/cleanup.ts';
import { judge } from './judge.ts';
import type { Told } from './judge.ts';
import type { Situation, SituationScene } from './situations.ts';
import { Subject, warmUp } from './subject.ts';
import type { Call } from './subject.ts';
import { SweepBed } from './sweep-bed.ts';
import { sweepReport } from './sweep-report.ts';
import type { CutPoint, Swept, SweepPlan, SweepReport, SweepRoute } from './sweep-report.ts';

/** Two promotions by Patroni take a lease each. */
const DEADLINE_MS = { embedded: 60_000, patroni: 180_000 } as const satisfies Record<EngineName, number>;
/** Patroni waits for a lease to run out, and then winds a server back. */
const LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 100;
/** How long a call may take until it is cut or has ended. */
const CUT_WITHIN_MS = 30_000;
/** A COMMIT that waits for its standby does not get to the messages behind it, and nobody is told that it waits. */
const STALLED_AFTER_MS = 1_000;
/** No operation here has that many: where none is left unhit by then, something else is being counted. */
const MOST_MESSAGES = 300;

export async function runSweep(
  plan: SweepPlan,
  context: BenchContext,
  tell: (swept: Swept) => void,
): Promise<SweepReport> {
  const swept: Swept[] = [];
  let ids = 0;
  for (const [shape, situations] of Map.groupBy(plan.situations, ({ cluster }) => cluster)) {
    const cleanup = new Cleanup();
    context.cleanup.defer(() => cleanup.run());
    context.say(`starting a cluster for ${situations.map(({ name }) => name).join(', ')}`);
    const bed = await SweepBed.start(plan.engine, shape, plan.routes.includes('pooler'), {
      ...context,
      cleanup,
    });
    for (const situation of situations) {
      for (const route of plan.routes) {
        context.signal.throwIfAborted();
        const sweep = new Sweep(bed, situation, route, plan, context, () => (ids += 1));
        const result = await sweep.run();
        swept.push(result);
        tell(result);
      }
    }
    await cleanup.run();
  }
  return sweepReport(plan, swept);
}

/** One situation on one route: every cut, one after another. */
class Sweep {
  readonly #bed: SweepBed;
  readonly #situation: Situation;
  readonly #route: SweepRoute;
  readonly #plan: SweepPlan;
  readonly #context: BenchContext;
  readonly #newId: () => number;
  readonly #swept: Swept;

  constructor(
    bed: SweepBed,
    situation: Situation,
    route: SweepRoute,
    plan: SweepPlan,
    context: BenchContext,
    newId: () => number,
  ) {
    this.#bed = bed;
    this.#situation = situation;
    this.#route = route;
    this.#plan = plan;
    this.#context = context;
    this.#newId = newId;
    this.#swept = {
      situation: situation.name,
      route,
      points: 0,
      cuts: 0,
      missed: 0,
      told: { done: 0, refused: 0, 'not-executed': 0, unknown: 0, foreign: 0 },
      settledLater: 0,
      violations: [],
    };
  }

  async run(): Promise<Swept> {
    const subjects = this.#plan.operations.map((operation) => new Subject(operation, this.#clientOptions()));
    try {
      await this.#sweep('upstream', subjects);
      if (this.#situation.upstreamOnly !== true) await this.#sweep('downstream', subjects);
    } finally {
      await Promise.all(subjects.map((subject) => subject.close()));
    }
    return this.#swept;
  }

  /**
   * Before each message: what does not get through at message n + 1 got through up to message n, and behind the last
   * one to the server comes the first of its answers. Where there is no answer, each is cut behind instead.
   */
  async #sweep(direction: CutPoint['direction'], subjects: readonly Subject[]): Promise<void> {
    const { signal, say } = this.#context;
    const { name, upstreamOnly: delivered = false } = this.#situation;
    for (let message = 1; message <= MOST_MESSAGES; message += this.#plan.every) {
      signal.throwIfAborted();
      if (message % 10 === 1) say(`${name}, ${this.#route}: ${direction} message ${message}`);
      if ((await this.#cutAt({ direction, message, delivered }, subjects)) === 0) return;
    }
    throw new Error(`an operation has more than ${MOST_MESSAGES} messages ${direction}`);
  }

  /** @returns how many of the calls were cut. */
  async #cutAt(point: CutPoint, subjects: readonly Subject[]): Promise<number> {
    const { cluster } = this.#bed;
    await this.#untilWhole();
    const endpoint = this.#route === 'pooler' ? 'masterPooler' : 'master';
    await warmUp(subjects, endpoint, this.#context.signal);
    await this.#situation.before?.(this.#scene(() => Promise.resolve()));
    const doors = await Promise.all(
      this.#addresses().map((endpoint) => cluster.fault('refuse', { endpoint })),
    );
    const open = async () => {
      for (const door of doors) await door.undo();
    };
    const cut = await cluster.fault('cut-at-message', { endpoint, ...point, times: subjects.length });
    const calls = subjects.map((subject) =>
      subject.begin(this.#newId(), this.#situation.deadlineMs ?? DEADLINE_MS[this.#plan.engine]),
    );
    const mayWait = this.#situation.upstreamOnly === true;
    const limitMs = mayWait ? STALLED_AFTER_MS : CUT_WITHIN_MS;
    const ends = await Promise.all(calls.map((call) => cutOrEnded(call, limitMs)));
    await cut.undo();
    const hit = ends.filter((end) => end === 'cut').length;
    if (!mayWait) this.#swept.missed += ends.filter((end) => end === 'neither').length;
    const waits = this.#situation.deadlineMs !== undefined;
    // Callers with a deadline find nobody until it is over; the others find what the situation has left.
    if (waits) await Promise.all(calls.map(({ told }) => told));
    else if (hit > 0) await this.#situation.happen(this.#scene(open));
    else await cluster.undoAllFaults();
    // By then the cluster has lost what it loses: also of a call that went on over a connection that was not cut.
    const acknowledged = calls.map(({ hasEnded }) => hasEnded());
    await open();
    await this.#judge(point, subjects, calls, acknowledged);
    this.#swept.points += 1;
    this.#swept.cuts += hit;
    return hit;
  }

  async #judge(
    point: CutPoint,
    subjects: readonly Subject[],
    calls: readonly Call[],
    acknowledged: readonly boolean[],
  ): Promise<void> {
    const answers = await Promise.all(calls.map(({ told }) => told));
    await this.#untilWhole();
    const told = await Promise.all(answers.map((answer, index) => subjects[index]!.settleLater(answer)));
    await this.#until('nothing of the app is in a transaction', async () => (await this.#bed.busy()) === 0);
    const rows = await this.#bed.rowsOf(calls.map(({ id }) => id));
    for (const [index, answer] of told.entries()) {
      const { operation } = subjects[index]!;
      this.#swept.told[answer.kind] += 1;
      if (answer.kind === 'unknown' && (answer.settled === 'committed' || answer.settled === 'not-committed'))
        this.#swept.settledLater += 1;
      // What was acknowledged until then is the cluster's to keep; all else is the client's.
      const { losesAcknowledged = false, oldPrimaryAlive = false } = this.#situation;
      const { unsafe = false } = operation;
      const mayBeLost =
        (acknowledged[index] === true && (unsafe || losesAcknowledged)) || (unsafe && oldPrimaryAlive);
      const n = rows.get(calls[index]!.id) ?? 0;
      const untrue = judge(operation, answer, n, mayBeLost) ?? this.#needless(answer);
      if (untrue !== null) this.#swept.violations.push({ ...point, operation: operation.name, untrue });
    }
  }

  /** Not knowing is the truth only where nobody could be asked; and everything but that is carried out. */
  #needless(told: Told): string | null {
    if (this.#situation.deadlineMs !== undefined) return null;
    if (told.kind === 'unknown') return `told unknown, although a primary answered: ${told.reason}`;
    return told.kind === 'not-executed' ? `given up, although a primary answered: ${told.reason}` : null;
  }

  #clientOptions(): Omit<SchoolDbOptions, 'maxConnections'> {
    const { endpoints, database, user, password, ca } = this.#bed.cluster;
    const { master, masterPooler } = endpoints;
    const common = { database, user, password, tls: { ca } };
    if (this.#route === 'direct') return { ...common, endpoints: { master } };
    if (masterPooler === undefined) throw new Error('this cluster has no pooler');
    return { ...common, endpoints: { master, masterPooler }, prefer: 'pooler' };
  }

  #addresses(): EndpointKind[] {
    return this.#route === 'pooler' ? ['master', 'masterPooler'] : ['master'];
  }

  #scene(open: () => Promise<void>): SituationScene {
    return {
      engine: this.#plan.engine,
      cluster: this.#bed.cluster,
      writeNoise: () => this.#bed.writeNoise(),
      open,
      until: (what, holds) => this.#until(what, holds),
      isAsking: async () => (await this.#bed.waiting()) > 0,
    };
  }

  async #untilWhole(): Promise<void> {
    const { cluster } = this.#bed;
    await cluster.undoAllFaults();
    const { synchronous } = this.#situation.cluster;
    await this.#until('the cluster is whole', async () => {
      return missingIn(await cluster.status(), synchronous) === null;
    });
  }

  async #until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const { signal } = this.#context;
    const end = epochMs() + LIMIT_MS;
    while (!(await within(LIMIT_MS, what, Promise.resolve(holds())))) {
      signal.throwIfAborted();
      if (epochMs() > end)
        throw new Error(`${this.#situation.name}: still not so after ${LIMIT_MS} ms: ${what}`);
      await pause(LOOK_EVERY_MS, signal);
    }
  }
}

/** What comes first to a call: the cut, or its end; or neither within the limit. */
async function cutOrEnded(call: Call, limitMs: number): Promise<'cut' | 'ended' | 'neither'> {
  const over = new AbortController();
  const neither = pause(limitMs, over.signal).then(() => 'neither' as const);
  const first = await Promise.race([call.cutOrEnded, neither]);
  over.abort();
  return first;
}
