/** The leases of a schedule, as an app would use them. */
import type { LeasedConnection, SchoolDb } from '../../src/index.ts';
import { APP_TEXTS } from './model/statements.ts';
import type { LeaseObserver, Row, ScanObserver } from './operation-observers.ts';
import type { Answer, CallOptions, OutcomeKind } from './outcomes.ts';
import { kindOf, ownError } from './outcomes.ts';
import type { LeaseKind, OperationPlan, Step } from './schedule.ts';
import { pass, statementOf, stepKey } from './steps.ts';
import type { SimTime } from './time.ts';

interface Surroundings {
  readonly time: SimTime;
  readonly observer: ScanObserver & LeaseObserver;
  /** What the caller was told of each key. Goes on to be filled where the lease was given up in the middle. */
  readonly keys: Map<string, OutcomeKind>;
}

/** A stream is left within this time, whatever its server does. */
const LEAVING_MS = 20_000;
/** How late a portion may be after its deadline. */
const LATE_MS = 100;
/** After these the reader rests. */
const RESTS = 3;

type Perform = (
  db: SchoolDb,
  plan: OperationPlan,
  options: CallOptions,
  around: Surroundings,
) => Promise<Answer>;

export const performLease: Readonly<Record<LeaseKind, Perform>> = {
  connection: holdConnection,
  lock: holdLock,
  stream: readStream,
  listen,
};

async function holdConnection(
  db: SchoolDb,
  plan: OperationPlan,
  options: CallOptions,
  around: Surroundings,
): Promise<Answer> {
  const use = new LeaseUse(plan, options, around);
  return use.within(() => db.withConnection(plan.on ?? 'master', (held) => use.run(held), options));
}

async function holdLock(
  db: SchoolDb,
  plan: OperationPlan,
  options: CallOptions,
  around: Surroundings,
): Promise<Answer> {
  const use = new LeaseUse(plan, options, around);
  const work = async (held: LeasedConnection) => {
    const ended = around.observer.holding(plan, held.signal);
    try {
      await use.run(held);
    } finally {
      ended();
    }
  };
  const { wait = true } = plan;
  return use.within(() => db.withAdvisoryLock(BigInt(plan.lock ?? 1), work, { ...options, wait }));
}

/** The steps of one callback, each with its own answer. */
class LeaseUse {
  readonly #plan: OperationPlan;
  readonly #options: CallOptions;
  readonly #around: Surroundings;
  /** Written in the open transaction; undefined outside of one. */
  #open: string[] | undefined;
  #thrown: unknown;

  constructor(plan: OperationPlan, options: CallOptions, around: Surroundings) {
    this.#plan = plan;
    this.#options = options;
    this.#around = around;
  }

  /** What ends the lease from outside speaks of everything on it. */
  async within(lease: () => Promise<void>): Promise<Answer> {
    try {
      await lease();
      return {};
    } catch (error) {
      const { keys } = this.#around;
      if (error !== this.#thrown && kindOf(error, this.#plan) === 'not-executed')
        for (const key of keys.keys()) keys.set(key, 'not-executed');
      throw error;
    }
  }

  async run(held: LeasedConnection): Promise<void> {
    try {
      for (const [index, step] of (this.#plan.steps ?? []).entries()) await this.#step(held, step, index);
    } catch (error) {
      this.#thrown = error;
      throw error;
    }
  }

  async #step(held: LeasedConnection, step: Step, index: number): Promise<void> {
    if (step.kind === 'wait') return pass(this.#around.time, step.ms);
    if (step.kind === 'throw') throw ownError();
    const { text, values } = statementOf(this.#plan, step, index);
    const { deadlineMs } = this.#options;
    const answer = held.query(text, values, { deadlineMs });
    if (step.kind === 'insert') await this.#inserting(stepKey(this.#plan, index), answer);
    else if (step.kind === 'commit') await this.#committing(answer);
    else if (step.kind === 'fail-caught') await answer.catch(() => {});
    else await answer;
    if (step.kind === 'begin') this.#open = [];
    if (step.kind === 'rollback') this.#open = undefined;
  }

  async #inserting(key: string, answer: Promise<unknown>): Promise<void> {
    if (this.#open === undefined) return this.#settling([key], answer);
    this.#open.push(key);
    this.#around.keys.set(key, 'not-executed');
    await answer;
  }

  async #committing(answer: Promise<unknown>): Promise<void> {
    const keys = this.#open ?? [];
    this.#open = undefined;
    await this.#settling(keys, answer);
  }

  async #settling(names: readonly string[], answer: Promise<unknown>): Promise<void> {
    const { keys, observer } = this.#around;
    const tell = (outcome: OutcomeKind) => names.forEach((key) => keys.set(key, outcome));
    tell('unknown');
    try {
      await answer;
    } catch (error) {
      const kind = kindOf(error, this.#plan);
      // The server's own no.
      tell(kind === 'untyped' ? 'sql-error' : kind);
      throw error;
    }
    tell('ok');
    observer.wrote(this.#plan, names);
  }
}

async function readStream(
  db: SchoolDb,
  plan: OperationPlan,
  options: CallOptions,
  { time, observer }: Surroundings,
): Promise<Answer> {
  const { batchSize = 100, restMs = 0, rows: leaveAfter = Infinity } = plan;
  const scanned = observer.scanning(plan);
  const rows = db.stream<Row & Record<string, unknown>>(APP_TEXTS.stream, [plan.id], {
    ...options,
    batchSize,
  });
  const read: Row[] = [];
  const abortsAt = time.now + (plan.abortAfterMs ?? Infinity);
  const timed = async <T>(what: string, limitMs: number, work: Promise<T>): Promise<T> => {
    const startedAt = time.now;
    try {
      return await work;
    } finally {
      const tookMs = time.now - startedAt;
      if (tookMs > limitMs)
        observer.late(plan, `${what} took ${Math.round(tookMs)} ms, its limit was ${limitMs}`);
    }
  };
  const portionMs = () => Math.min(options.deadlineMs, Math.max(0, abortsAt - time.now)) + LATE_MS;
  try {
    for (;;) {
      const { done, value } = await timed('a portion', portionMs(), rows.next());
      if (done === true) {
        observer.streamed(plan, read, true);
        scanned(read);
        break;
      }
      read.push(value);
      if (read.length <= RESTS && restMs > 0) await pass(time, restMs);
      if (read.length < leaveAfter) continue;
      await timed('leaving', LEAVING_MS, rows.return());
      break;
    }
  } finally {
    observer.streamed(plan, read, false);
  }
  return {};
}

async function listen(
  db: SchoolDb,
  plan: OperationPlan,
  { deadlineMs, signal }: CallOptions,
  { observer }: Surroundings,
): Promise<Answer> {
  const subscription = await db.listen(
    plan.channel ?? 'a',
    (notification) => observer.heard(plan, notification),
    { deadlineMs, signal, onGap: () => observer.deaf(plan) },
  );
  observer.listening(plan, subscription);
  return {};
}
