/** The simulated servers as a world for scenarios. Their time passes by itself, as fast as it can. */
import { setImmediate as turn } from 'node:timers/promises';
import type { WireTarget } from '../../src/wire/wire.ts';
import { Dice } from '../simulation/dice.ts';
import { makeModel } from '../simulation/model/model-support.ts';
import { Network } from '../simulation/model/network.ts';
import type { Server } from '../simulation/model/server.ts';
import { SqlError } from '../simulation/protocol.ts';
import type { WireObserver } from '../simulation/sim-wire.ts';
import { simulatedWires } from '../simulation/sim-wire.ts';
import type { World } from './scenario.ts';
import { Session } from './scenario.ts';

/** Simulated milliseconds that a condition may take: no more than real servers are given. */
const LIMIT_MS = 60_000;
const TARGET = { host: 'master' } as WireTarget;
const NOBODY: WireObserver = {
  opening: () => {},
  identified: () => {},
  sent: () => {},
  answered: () => {},
  gone: () => {},
  toldTimeline: 0,
  note: () => {},
};

export class ModelWorld implements World {
  readonly #model: ReturnType<typeof makeModel>;
  readonly #flowing: Promise<void>;
  #stopped = false;

  constructor({ synchronous }: { readonly synchronous: boolean }) {
    this.#model = makeModel({ synchronous, standbys: 1 });
    this.#flowing = this.#flow();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#flowing;
  }

  get primary(): string {
    return this.#model.cluster.leader.name;
  }

  get standby(): string {
    return this.#model.cluster.standbys[0]!.name;
  }

  async open(name: string): Promise<Session> {
    const { time } = this.#model;
    const options = { latencyMs: [0.1, 0.3], deadServer: 'refuse' } as const;
    const network = new Network(time, new Dice(1), options, () => [this.#server(name)]);
    const wire = await simulatedWires(network, time, NOBODY)(TARGET).ready;
    return new Session(name, wire, async () => {});
  }

  untilWaiting(session: Session, what: 'row' | 'lock' | 'standby'): Promise<void> {
    const { locks, advisoryLocks, sync } = this.#server(session.server);
    const backend = this.#backend(session);
    const waits = { row: locks, lock: advisoryLocks, standby: sync }[what];
    return this.until(`waits for the ${what}`, () => waits.isWaiting(backend));
  }

  untilEnded({ server, wire }: Session): Promise<void> {
    return this.until('the session is over', () => {
      const backends = this.#server(server).backends();
      return backends.every(({ processId }) => processId !== wire.processId);
    });
  }

  untilWhole(): Promise<void> {
    const { cluster } = this.#model;
    return this.until(
      'the cluster is whole',
      () => cluster.whole && cluster.standbys[0]!.replayed === cluster.leader.flushed,
    );
  }

  now(): number {
    return this.#model.time.now;
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const end = this.#model.time.now + LIMIT_MS;
    while (!(await holds())) {
      if (this.#model.time.now > end) throw new Error(`the model: still waiting: ${what}`);
      await turn();
    }
  }

  async terminate(session: Session): Promise<void> {
    const error = new SqlError('57P01', 'terminating connection due to administrator command', 'FATAL');
    this.#backend(session).terminate(error);
  }

  async freeze(session: Session): Promise<void> {
    this.#server(session.server).freeze();
  }

  async thaw(session: Session): Promise<void> {
    this.#server(session.server).thaw();
  }

  async cancel(session: Session): Promise<void> {
    this.#server(session.server).sync.cancelAll();
  }

  async cutReplication(): Promise<void> {
    this.#cutReplication(true);
  }

  async restoreReplication(): Promise<void> {
    this.#cutReplication(false);
  }

  async crash(): Promise<void> {
    const { leader } = this.#model.cluster;
    leader.crashRestart();
    await this.#serves(leader);
  }

  async crashBeforeFlush(session: Session): Promise<void> {
    const { cluster } = this.#model;
    cluster.commitTrap = (phase, server) => phase === 'inserted' && server.crashRestart();
    await session.send('COMMIT');
    cluster.commitTrap = undefined;
    await this.#serves(cluster.leader);
  }

  async restart(): Promise<void> {
    const { leader } = this.#model.cluster;
    await new Promise<void>((down) => leader.stop(down));
    leader.start();
    await this.#serves(leader);
  }

  async failOver(): Promise<void> {
    const { cluster } = this.#model;
    const old = cluster.leader;
    old.kill();
    cluster.wake();
    await this.until('another one is primary', () => cluster.leader !== old && cluster.leader.healthy);
    this.#cutReplication(false);
  }

  async position(name: string): Promise<bigint> {
    return BigInt(this.#server(name).flushed);
  }

  async #flow(): Promise<void> {
    while (!this.#stopped) await this.#model.time.run(() => false, 1);
  }

  #cutReplication(cut: boolean): void {
    const { cluster } = this.#model;
    for (const server of cluster.servers) cluster.cutReplication(server, cut && server !== cluster.leader);
  }

  #serves(server: Server): Promise<void> {
    this.#model.cluster.wake();
    return this.until('the server serves', () => server.healthy);
  }

  #server(name: string): Server {
    return this.#model.cluster.servers.find((server) => server.name === name)!;
  }

  #backend(session: Session) {
    const { processId } = session.wire;
    const found = this.#server(session.server)
      .backends()
      .find((backend) => backend.processId === processId);
    if (found === undefined) throw new Error(`the model: no session ${processId} on ${session.server}`);
    return found;
  }
}
