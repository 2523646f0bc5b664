import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterEvent, ClusterStatus } from '../cluster.ts';
import { ControlServer } from '../control/control-server.ts';
import type { Assignment, ClusterFacts, Request } from '../control/messages.ts';
import { claimName } from '../control/name-file.ts';
import { controlSocketIn } from '../control/socket-path.ts';
import { findPgbouncer } from '../engine/embedded/binaries.ts';
import { layoutOf } from '../engine/layout.ts';
import { Pooler } from '../engine/pooler.ts';
import { startEmbedded } from '../engine/embedded/start-embedded.ts';
import { startPatroni } from '../engine/patroni/start-patroni.ts';
import type { Emit, Engine, StartedEngine } from '../engine/engine.ts';
import type { Address, EndpointKind } from '../endpoint.ts';
import { ClusterError, messageOf } from '../errors.ts';
import { FaultBook } from '../faults/fault-book.ts';
import { SUPERUSER } from '../options.ts';
import { cleanDirectory } from '../process/clean-directory.ts';
import { Janitor } from '../process/janitor.ts';
import { findFreePort } from '../process/ports.ts';
import { readProcess } from '../process/process-table.ts';
import { TlsEnds } from '../virtual-ip/protocol/tls-ends.ts';
import { VirtualIp } from '../virtual-ip/virtual-ip.ts';

const HISTORY = 1_000;
const LOCAL = '127.0.0.1';

/** Everything a cluster consists of: servers, poolers, virtual IPs, faults, and the socket over which it is told what to do. */
export class Supervisor {
  readonly #assignment: Assignment;
  readonly #janitor = new Janitor();
  readonly #control: ControlServer;
  readonly #virtualIps = new Map<EndpointKind, VirtualIp>();
  readonly #poolers = new Map<EndpointKind, Pooler>();
  readonly #history: ClusterEvent[] = [];
  readonly #startUp = new AbortController();
  readonly #facts = Promise.withResolvers<ClusterFacts>();
  #engine: Engine | undefined;
  #faults: FaultBook | undefined;
  #started: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #up = false;
  #nameFile: string | undefined;

  constructor(assignment: Assignment) {
    this.#assignment = assignment;
    this.#control = new ControlServer((request) => this.#handle(request));
    // A failure may come before anybody asks.
    this.#facts.promise.catch(() => undefined);
  }

  /** Brings the cluster up; `onListening` is called when the control socket can be connected to. Never rejects. */
  async run(onListening: () => void): Promise<void> {
    this.#janitor.start();
    this.#janitor.ownDirectory(this.#assignment.directory);
    try {
      await this.#control.listen(controlSocketIn(this.#assignment.directory));
      void this.#control.ownerGone.then(() => this.#ownerGone());
      onListening();
      this.#started = this.#start();
      await this.#started;
    } catch (error) {
      const reason =
        error instanceof ClusterError
          ? error
          : new ClusterError('start-failed', `the cluster did not start: ${messageOf(error)}`, {
              cause: error,
            });
      this.#facts.reject(reason);
      await this.stop();
    }
  }

  /** Stops everything, removes everything, and ends the process. Twice is fine. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** The parent has let go of its channel: it is connected, or it died before it could be. */
  parentGone(): void {
    if (!this.#control.hasOwner) void this.stop();
  }

  async #start(): Promise<void> {
    const { options, directory, name } = this.#assignment;
    await this.#claimName();
    const pgbouncer = options.poolers === false ? undefined : await findPgbouncer();
    if (options.poolers === true && pgbouncer === undefined) {
      throw new ClusterError(
        'environment',
        "poolers: PgBouncer is not installed (Debian: apt-get install pgbouncer; macOS: brew install pgbouncer), or pass 'auto'",
      );
    }
    await this.#makeVirtualIps(pgbouncer !== undefined);
    const startEngine = options.engine === 'patroni' ? startPatroni : startEmbedded;
    const started = await startEngine({
      options,
      directory,
      janitor: this.#janitor,
      emit: this.#emit,
      signal: this.#startUp.signal,
      onRolesChanged: (engine) => this.#route(engine),
    });
    this.#engine = started.engine;
    this.#faults = new FaultBook(
      {
        engine: started.engine,
        virtualIp: (kind) => this.#has(this.#virtualIps, kind),
        pooler: (kind) => this.#has(this.#poolers, kind),
        sweep: () => this.#faults?.sweep(),
      },
      this.#emit,
    );
    if (pgbouncer !== undefined) await this.#startPoolers(pgbouncer, started);
    this.#up = true;
    this.#facts.resolve(this.#describe(started));
    this.#emit({
      type: 'cluster:started',
      detail: name === undefined ? 'the cluster is up' : `the cluster ${name} is up`,
    });
  }

  async #stop(): Promise<void> {
    this.#startUp.abort(new ClusterError('start-failed', 'the start was given up'));
    await this.#started.catch(() => undefined);
    for (const pooler of this.#poolers.values()) await pooler.stop();
    await Promise.all([...this.#virtualIps.values()].map((virtualIp) => virtualIp.close()));
    await this.#engine?.stop();
    await cleanDirectory(this.#assignment.directory);
    if (this.#nameFile !== undefined) await rm(this.#nameFile, { force: true });
    if (this.#up)
      this.#emit({ type: 'cluster:stopped', detail: 'the cluster is stopped and its directory removed' });
    this.#facts.reject(new ClusterError('start-failed', 'the start was given up'));
    await this.#janitor.dismiss();
    // The answers to whoever asked for this are still to be sent.
    setImmediate(() => this.#control.close());
    process.disconnect?.();
  }

  #ownerGone(): void {
    // One that is to outlive its owner does so from the moment it is up; before, nobody would know of it.
    if (!this.#assignment.detach || !this.#up) void this.stop();
  }

  async #claimName(): Promise<void> {
    const { name, directory } = this.#assignment;
    const self = readProcess(process.pid);
    if (name === undefined || self === undefined) return;
    const supervisor = { pid: self.pid, startedAt: self.startedAt };
    this.#nameFile = await claimName({ name, supervisor, socket: controlSocketIn(directory) });
    this.#janitor.ownFile(this.#nameFile);
  }

  async #makeVirtualIps(poolers: boolean): Promise<void> {
    const { options, directory } = this.#assignment;
    const replica = options.replicas > 0;
    const kinds: EndpointKind[] = ['master'];
    if (replica) kinds.push('replica');
    if (poolers) kinds.push('masterPooler');
    if (poolers && replica) kinds.push('replicaPooler');
    const reading = { tls: new TlsEnds(layoutOf(directory)), always: options.terminateTls };
    for (const kind of kinds) {
      const port = await findFreePort();
      this.#virtualIps.set(kind, new VirtualIp(kind, { host: LOCAL, port }, reading));
    }
  }

  async #startPoolers(program: string, { children, layout, passwords }: StartedEngine): Promise<void> {
    for (const [kind, targetKind] of [
      ['masterPooler', 'master'],
      ['replicaPooler', 'replica'],
    ] as const) {
      const virtualIp = this.#virtualIps.get(kind);
      const target = this.#virtualIps.get(targetKind)?.address;
      if (virtualIp === undefined || target === undefined) continue;
      const name = kind === 'masterPooler' ? 'pooler-master' : 'pooler-replica';
      const pooler = new Pooler({
        name,
        program,
        target,
        password: passwords.user,
        options: this.#assignment.options,
        layout,
        children,
        emit: this.#emit,
        onReachable: (address: Address | undefined) =>
          virtualIp.setBackends(address === undefined ? [] : [{ name, ...address }]),
      });
      this.#poolers.set(kind, pooler);
      await pooler.start();
    }
  }

  async #route(engine: Engine): Promise<void> {
    const ledTo = (role: 'primary' | 'standby') =>
      engine.backends(role).map((server) => ({ ...server, ...engine.entrance?.(role) }));
    await Promise.all([
      this.#virtualIps.get('master')?.setBackends(ledTo('primary')),
      this.#virtualIps.get('replica')?.setBackends(ledTo('standby')),
    ]);
    for (const virtualIp of this.#virtualIps.values())
      virtualIp.cutFrom((server) => engine.isCutFromClients?.(server) ?? false);
    this.#faults?.sweep();
  }

  #has<Thing>(things: ReadonlyMap<EndpointKind, Thing>, kind: EndpointKind): Thing {
    const thing = things.get(kind);
    if (thing !== undefined) return thing;
    const known = [...this.#virtualIps.keys()].join(', ');
    throw new ClusterError('bad-option', `this cluster has no ${kind} address (it has ${known})`);
  }

  readonly #emit: Emit = (event) => {
    const complete: ClusterEvent = { ...event, at: event.at ?? Date.now() };
    this.#history.push(complete);
    if (this.#history.length > HISTORY) this.#history.shift();
    this.#control.broadcast(complete);
  };

  async #handle(request: Request): Promise<unknown> {
    switch (request.method) {
      case 'facts':
        return this.#facts.promise;
      case 'history':
        return this.#history;
      case 'status':
        return this.#status();
      case 'fault':
        return this.#running().faults.apply(request.params.name, request.params.options);
      case 'undo':
        return request.params.id === null
          ? this.#running().faults.undoAll()
          : this.#running().faults.undo(request.params.id);
      case 'stop':
        return this.stop();
      default:
        throw new ClusterError('bad-option', `unknown request ${JSON.stringify(request)}`);
    }
  }

  #running(): { engine: Engine; faults: FaultBook } {
    if (this.#engine === undefined || this.#faults === undefined || this.#stopped !== undefined) {
      throw new ClusterError(
        'no-cluster',
        this.#stopped === undefined ? 'the cluster is still starting' : 'the cluster is being stopped',
      );
    }
    return { engine: this.#engine, faults: this.#faults };
  }

  async #status(): Promise<ClusterStatus> {
    const { engine, faults } = this.#running();
    const virtualIps = [...this.#virtualIps.values()];
    const status = await engine.status();
    return {
      ...status,
      servers: status.servers.map((server) => ({
        ...server,
        connections:
          engine.connectionsTo?.(server.name) ??
          virtualIps.reduce((sum, virtualIp) => sum + virtualIp.connectionsTo(server.name), 0),
      })),
      virtualIps: virtualIps.map((virtualIp) => virtualIp.status()),
      faults: faults.list(),
    };
  }

  #describe({ engine, layout, ca, passwords, patroni }: StartedEngine): ClusterFacts {
    const { options, directory, name, detach } = this.#assignment;
    const addresses = Object.fromEntries([...this.#virtualIps].map(([kind, { address }]) => [kind, address]));
    return {
      endpoints: addresses as unknown as ClusterFacts['endpoints'],
      database: options.database,
      user: options.user,
      password: passwords.user,
      ca,
      caFile: layout.caFile,
      superuser: { user: SUPERUSER, password: passwords.superuser },
      servers: [...engine.servers],
      patroni: patroni ?? null,
      directory: join(directory),
      name: name ?? null,
      detached: detach,
    };
  }
}
