/** A cluster without a client: tests speak to its servers directly. */
import { Dice } from '../dice.ts';
import type { CloseKind, Peer, Reply, Response } from '../protocol.ts';
import { SimTime } from '../time.ts';
import type { ClusterConfig } from './cluster.ts';
import { Cluster } from './cluster.ts';
import type { ModelObserver } from './observer.ts';
import { APP_TEXTS } from './statements.ts';

const CONFIG: ClusterConfig = {
  synchronous: true,
  standbys: 2,
  hasCommitSlots: true,
  maxBackends: 10,
  ttlMs: 1_000,
  restartMs: 2_000,
  startMs: 100,
  labelMs: [10, 10],
  demoteMs: 100,
  newTimelineInPlace: false,
};

export function makeModel(changes: Partial<ClusterConfig> = {}) {
  const time = new SimTime();
  const occurred: string[] = [];
  const observer: ModelObserver = {
    note: () => {},
    occurred: (name) => occurred.push(name),
    reached: () => {},
    locked: () => {},
    unlocked: () => {},
    sessionEnded: () => {},
    opened: () => {},
    notified: () => {},
    durable: () => {},
  };
  const cluster = new Cluster({ ...CONFIG, ...changes }, time, new Dice(1), observer);
  const pass = (ms: number) => time.run(() => false, ms);
  /** A session whose sign-in is over. */
  const open = async (host: Host) => {
    const session = new TestSession(host);
    await pass(5);
    return session;
  };
  return {
    time,
    cluster,
    occurred,
    observer,
    pass,
    open,
    primary: cluster.leader,
    standbys: cluster.standbys,
  };
}

/** Anything that takes connections. */
interface Host {
  accept(reply: Reply): Peer;
}

/** One client of a server, which sees exactly what the server sends. */
export class TestSession {
  readonly responses: Response[] = [];
  closed: CloseKind | undefined;
  readonly #peer: Peer;

  constructor(host: Host) {
    this.#peer = host.accept({
      send: (response) => this.responses.push(response),
      close: (how) => (this.closed = how),
    });
  }

  send(text: string, ...values: readonly unknown[]): void {
    const from = { endpoint: 'master', toldTimeline: 0 } as const;
    this.#peer.receive({ kind: 'query', statement: { text, values }, from });
  }

  fetch(maxRows: number): void {
    const from = { endpoint: 'master', toldTimeline: 0 } as const;
    const statement = { text: APP_TEXTS.stream, values: ['reader'] };
    this.#peer.receive({ kind: 'fetch', statement, maxRows, from });
  }

  script(text: string): void {
    this.#peer.receive({ kind: 'script', text, from: { endpoint: 'master', toldTimeline: 0 } });
  }

  hangUp(how: CloseKind = 'fin'): void {
    this.#peer.hangUp(how);
  }

  get answers(): (Response & { kind: 'answer' })[] {
    return this.responses.filter((response) => response.kind === 'answer');
  }

  /** What each answer came to: its commands, or its SQLSTATE. */
  get tags(): string[] {
    return this.answers.map(
      ({ results, error }) => error?.code ?? results.map((each) => each.command).join(' '),
    );
  }

  get heard(): string[] {
    return this.responses.flatMap((each) =>
      each.kind === 'notification' ? [each.notification.payload] : [],
    );
  }

  get fatal(): string | undefined {
    return this.responses.find((response) => response.kind === 'fatal')?.error.message;
  }

  get notices(): (string | undefined)[] {
    return this.responses.flatMap((each) => (each.kind === 'notice' ? [each.notice.routine] : []));
  }
}
