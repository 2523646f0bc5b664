import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Address } from '../endpoint.ts';
import { ClusterError, messageOf } from '../errors.ts';
import type { ResolvedOptions } from '../options.ts';
import { lastWords, type Child, type Children } from '../process/children.ts';
import { findFreePort } from '../process/ports.ts';
import { killTree } from '../process/process-tree.ts';
import { waitFor } from '../process/wait.ts';
import type { Emit } from './engine.ts';
import { makeServerDirectory, writeServerFile, type Layout } from './layout.ts';
import { knowsNamedStatements, pgbouncerVersion } from './pgbouncer-version.ts';
import { withSession } from './sql.ts';

const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 2_000;
const RESTART_MS = 500;
const PORT_ATTEMPTS = 5;
/** Zalando's operator: `maxDBConnections` 60, and the pool never takes what others need to connect directly. */
const MAX_SERVER_CONNECTIONS = 60;
const SERVER_CONNECTIONS_RATIO = 0.6;
/** PgBouncer's own default from 1.24 on; before it is 0, which means none. */
const NAMED_STATEMENTS = 200;
/** Who may give PgBouncer orders; known to no client. */
const ADMIN = 'schooldb_pooler_admin';

export interface PoolerNeeds {
  name: string;
  program: string;
  /** The virtual IP it pools connections to. */
  target: Address;
  password: string;
  options: ResolvedOptions;
  layout: Layout;
  children: Children;
  emit: Emit;
  /** Resolves when clients are led there, or no longer. */
  onReachable: (address: Address | undefined) => Promise<void>;
}

/** One PgBouncer in transaction mode, set up as Zalando's operator does it; started again when it dies. */
export class Pooler {
  readonly #needs: PoolerNeeds;
  readonly #directory: string;
  readonly #logFile: string;
  #address: Address = { host: '127.0.0.1', port: 0 };
  readonly #adminPassword = randomBytes(18).toString('hex');
  /** By whom it is kept on a server; the last one holds. */
  readonly #pins = new Map<string, Address>();
  #namedStatements = false;
  #child: Child | undefined;
  #stopped = false;
  #restarting: Promise<void> = Promise.resolve();

  constructor(needs: PoolerNeeds) {
    this.#needs = needs;
    this.#directory = needs.layout.serverDirectory(needs.name);
    this.#logFile = join(this.#directory, 'log');
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const { children, options, password, program } = this.#needs;
    this.#namedStatements = knowsNamedStatements(await pgbouncerVersion(program));
    await makeServerDirectory(this.#directory, children.account);
    await writeServerFile(
      join(this.#directory, 'userlist.txt'),
      `"${options.user}" "${password}"\n"${ADMIN}" "${this.#adminPassword}"\n`,
      children.account,
    );
    for (let attempt = 1; this.#child === undefined; attempt += 1) {
      this.#address = { host: '127.0.0.1', port: await findFreePort() };
      await this.#writeConfiguration();
      try {
        await this.#launch();
      } catch (error) {
        if (attempt === PORT_ATTEMPTS || !messageOf(error).includes('already in use')) throw error;
      }
    }
  }

  /** From the next transaction on it uses this server, whoever has which role. */
  async pin(id: string, server: Address): Promise<void> {
    this.#pins.set(id, server);
    try {
      await this.#reload();
    } catch (error) {
      this.#pins.delete(id);
      throw error;
    }
  }

  /** Sends it back to the virtual IP, or to the pin before. */
  async unpin(id: string): Promise<void> {
    if (this.#pins.delete(id)) await this.#reload();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#restarting;
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    process.kill(child.pid, 'SIGTERM');
    await Promise.race([
      child.exited,
      new Promise((resolve) => void setTimeout(resolve, STOP_WITHIN_MS).unref()),
    ]);
    await killTree(child, this.#directory);
  }

  async #launch(): Promise<void> {
    const { children, program, name, onReachable } = this.#needs;
    const child = await children.spawn(program, ['-q', join(this.#directory, 'pgbouncer.ini')], {
      cwd: this.#directory,
      logFile: this.#logFile,
    });
    let ended = false;
    void child.exited.then(() => (ended = true));
    const outcome = await waitFor(async () => (ended ? 'ended' : (await answers(this.#address)) && 'ready'), {
      timeoutMs: READY_WITHIN_MS,
    });
    if (outcome !== 'ready') {
      await killTree(child, this.#directory);
      throw new ClusterError(
        'start-failed',
        `${name} (${program}) does not start: ${lastWords(this.#logFile)}`,
      );
    }
    this.#child = child;
    void child.exited.then(() => this.#ended(child));
    await onReachable(this.#address);
  }

  /** Resolves when PgBouncer has read its configuration: connections to another address serve no further transaction. */
  async #reload(): Promise<void> {
    await this.#writeConfiguration();
    // One that is being started again reads it by itself.
    if (this.#child === undefined) return;
    const ca = await readFile(this.#needs.layout.caFile, 'utf8');
    const login = { ...this.#address, user: ADMIN, password: this.#adminPassword, ca };
    await withSession(login, (console) => console.query('RELOAD'), { database: 'pgbouncer' });
  }

  async #writeConfiguration(): Promise<void> {
    const file = join(this.#directory, 'pgbouncer.ini');
    await writeServerFile(file, this.#configuration(), this.#needs.children.account);
  }

  #ended(child: Child): void {
    if (this.#child !== child || this.#stopped) return;
    this.#child = undefined;
    const { emit, name, onReachable } = this.#needs;
    void onReachable(undefined);
    emit({ type: 'pooler:lost', server: name, detail: `${name} ended` });
    this.#restarting = this.#restart();
  }

  async #restart(): Promise<void> {
    const { emit, name } = this.#needs;
    while (!this.#stopped) {
      await new Promise((resolve) => void setTimeout(resolve, RESTART_MS));
      if (this.#stopped) return;
      try {
        await this.#launch();
        emit({ type: 'pooler:restarted', server: name, detail: `${name} is back` });
        return;
      } catch (error) {
        emit({ type: 'server:failed', server: name, detail: messageOf(error) });
      }
    }
  }

  #configuration(): string {
    const { options, layout } = this.#needs;
    const target = [...this.#pins.values()].at(-1) ?? this.#needs.target;
    const connections = Math.max(
      1,
      Math.min(MAX_SERVER_CONNECTIONS, Math.floor(options.maxConnections * SERVER_CONNECTIONS_RATIO)),
    );
    const settings: Record<string, string | number> = {
      listen_addr: this.#address.host,
      listen_port: this.#address.port,
      unix_socket_dir: '',
      pool_mode: 'transaction',
      auth_type: 'scram-sha-256',
      auth_file: join(this.#directory, 'userlist.txt'),
      admin_users: ADMIN,
      client_tls_sslmode: 'require',
      client_tls_cert_file: layout.certificateFile,
      client_tls_key_file: layout.keyFile,
      server_tls_sslmode: 'verify-ca',
      server_tls_ca_file: layout.caFile,
      ignore_startup_parameters: 'extra_float_digits,options',
      // 15 s upstream: how long a failed login to the server is held against new clients.
      server_login_retry: 5,
      ...(this.#namedStatements ? { max_prepared_statements: NAMED_STATEMENTS } : {}),
      max_client_conn: 10_000,
      max_db_connections: connections,
      default_pool_size: connections,
      log_connections: 0,
      log_disconnections: 0,
      log_stats: 0,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    return `[databases]\n* = host=${target.host} port=${target.port}\n\n[pgbouncer]\n${lines.join('\n')}\n`;
  }
}

function answers({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
