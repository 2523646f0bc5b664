import { join } from 'node:path';
import type { Cluster, ClusterEvent, ClusterStatus, PatroniAccess } from '../cluster.ts';
import type { EndpointKind } from '../endpoint.ts';
import { ClusterError } from '../errors.ts';
import type { AppliedFault, FaultName, FaultOptions } from '../faults/fault.ts';
import type { ControlClient } from './control-client.ts';
import type { ClusterFacts } from './messages.ts';

/** A cluster in another process, seen through its control socket. */
export class RemoteCluster implements Cluster {
  readonly endpoints: Cluster['endpoints'];
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly ca: string;
  readonly superuser: Cluster['superuser'];
  readonly servers: Cluster['servers'];
  readonly patroni?: PatroniAccess;
  readonly #caFile: string;
  readonly #directory: string;
  readonly #control: ControlClient;
  readonly #owned: boolean;
  /** For the owner: resolves when the supervisor's process has ended. */
  readonly #untilEnded: (() => Promise<void>) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(
    control: ControlClient,
    facts: ClusterFacts,
    { owned, untilEnded }: { owned: boolean; untilEnded?: () => Promise<void> },
  ) {
    this.endpoints = facts.endpoints;
    this.database = facts.database;
    this.user = facts.user;
    this.password = facts.password;
    this.ca = facts.ca;
    this.superuser = facts.superuser;
    this.servers = facts.servers;
    if (facts.patroni !== null) this.patroni = facts.patroni;
    this.#caFile = facts.caFile;
    this.#directory = facts.directory;
    this.#control = control;
    this.#owned = owned;
    this.#untilEnded = untilEnded;
  }

  get ended(): Promise<void> {
    return this.#control.closed;
  }

  connectionString(kind: EndpointKind = 'master'): string {
    const address = this.endpoints[kind];
    if (address === undefined) {
      const known = Object.keys(this.endpoints).join(', ');
      throw new ClusterError('bad-option', `this cluster has no ${kind} address (it has ${known})`);
    }
    const url = new URL(`postgres://${address.host}:${address.port}`);
    url.username = encodeURIComponent(this.user);
    url.password = this.password;
    url.pathname = `/${encodeURIComponent(this.database)}`;
    url.searchParams.set('sslmode', 'verify-full');
    url.searchParams.set('sslrootcert', this.#caFile);
    return url.href;
  }

  logFileOf(server: string): string {
    if (this.servers.some(({ name }) => name === server)) return join(this.#directory, server, 'log');
    const known = this.servers.map(({ name }) => name).join(', ');
    throw new ClusterError('bad-option', `this cluster has no server ${server} (it has ${known})`);
  }

  status(): Promise<ClusterStatus> {
    return this.#control.request('status', null);
  }

  history(): Promise<ClusterEvent[]> {
    return this.#control.request('history', null);
  }

  async fault(name: FaultName, options: FaultOptions = {}): Promise<AppliedFault> {
    const applied = await this.#control.request('fault', { name, options });
    return { ...applied, undo: () => this.undoFault(applied.id) };
  }

  async undoFault(id: string): Promise<void> {
    await this.#control.request('undo', { id });
  }

  async undoAllFaults(): Promise<void> {
    await this.#control.request('undo', { id: null });
  }

  on(listener: (event: ClusterEvent) => void): () => void {
    return this.#control.on(listener);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async disconnect(): Promise<void> {
    if (this.#owned) return this.stop();
    this.#control.close();
    await this.#control.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    // A supervisor that has ended already, or does so before it answers, has stopped everything.
    await this.#control.request('stop', null).catch(() => undefined);
    await this.#control.closed;
    await this.#untilEnded?.();
  }
}
