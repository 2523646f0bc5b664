import { connect } from 'node:net';
import { join } from 'node:path';
import type { Address } from '../../endpoint.ts';
import { ClusterError, messageOf } from '../../errors.ts';
import { lastWords, type Child, type Children } from '../../process/children.ts';
import { killTree } from '../../process/process-tree.ts';
import { waitFor } from '../../process/wait.ts';
import type { Emit } from '../engine.ts';
import { makeServerDirectory, writeServerFile, type Layout } from '../layout.ts';
import type { ClusterAddresses, NodeAddresses } from './addresses.ts';

const READY_WITHIN_MS = 10_000;
const ANSWER_MS = 1_000;
const LOOK_MS = 100;
const RESTART_MS = 500;
const NAME = 'haproxy';

type Role = 'primary' | 'standby';

/** By Patroni's template; the checks are those that the operator's services go by as well. */
const SERVICES = [
  { role: 'primary', section: 'master', check: '/primary' },
  { role: 'standby', section: 'replica', check: '/replica' },
] as const;

export interface BalancerNeeds {
  program: string;
  addresses: ClusterAddresses['balancer'];
  nodes: readonly { name: string; addresses: NodeAddresses }[];
  layout: Layout;
  children: Children;
  emit: Emit;
  /** Called when a node went up or down for it. */
  onChange: () => void;
}

/** HAProxy: leads each new connection to a node whose agent says that its server has the role. */
export class Balancer {
  readonly #needs: BalancerNeeds;
  readonly #directory: string;
  readonly logFile: string;
  #child: Child | undefined;
  #stopped = false;
  #watching: Promise<void> = Promise.resolve();
  #up: Readonly<Record<Role, readonly string[]>> = { primary: [], standby: [] };

  constructor(needs: BalancerNeeds) {
    this.#needs = needs;
    this.#directory = needs.layout.serverDirectory(NAME);
    this.logFile = join(this.#directory, 'log');
  }

  /** Nodes that it leads to. */
  up(role: Role): readonly string[] {
    return this.#up[role];
  }

  addressOf(role: Role): Address {
    return role === 'primary' ? this.#needs.addresses.master : this.#needs.addresses.replica;
  }

  async start(signal?: AbortSignal): Promise<void> {
    const { children } = this.#needs;
    await makeServerDirectory(this.#directory, children.account);
    await writeServerFile(join(this.#directory, 'haproxy.cfg'), this.#configuration(), children.account);
    await this.#launch(signal);
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const child = this.#child;
    this.#child = undefined;
    await killTree(child, this.#directory);
    await this.#watching;
  }

  async #launch(signal?: AbortSignal): Promise<void> {
    const child = await this.#needs.children.spawn(
      this.#needs.program,
      ['-db', '-f', join(this.#directory, 'haproxy.cfg')],
      { cwd: this.#directory, logFile: this.logFile },
    );
    this.#child = child;
    void child.exited.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
    const outcome = await waitFor(
      async () => (this.#child !== child ? 'ended' : (await this.#ask()) !== undefined && 'ready'),
      { timeoutMs: READY_WITHIN_MS, signal },
    );
    if (outcome === 'ready') return;
    this.#child = undefined;
    await killTree(child, this.#directory);
    throw new ClusterError('start-failed', `HAProxy does not start: ${lastWords(this.logFile)}`);
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const up = (await this.#ask()) ?? { primary: [], standby: [] };
      if (!this.#stopped && JSON.stringify(up) !== JSON.stringify(this.#up)) {
        this.#up = up;
        this.#needs.onChange();
      }
      if (this.#child === undefined) await this.#relaunch();
      await new Promise((resolve) => void setTimeout(resolve, LOOK_MS));
    }
  }

  async #relaunch(): Promise<void> {
    await new Promise((resolve) => void setTimeout(resolve, RESTART_MS));
    if (this.#stopped) return;
    await this.#launch().catch((error: unknown) => {
      this.#needs.emit({ type: 'server:failed', server: NAME, detail: messageOf(error) });
    });
  }

  /** Which nodes it has up; undefined when it does not answer. */
  async #ask(): Promise<Record<Role, string[]> | undefined> {
    const text = await this.#order('show stat').catch(() => undefined);
    if (text === undefined || !text.startsWith('# ')) return undefined;
    return { primary: serversUp(text, 'master'), standby: serversUp(text, 'replica') };
  }

  #order(order: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...this.#needs.addresses.statistics, timeout: ANSWER_MS });
      let text = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => (text += chunk));
      socket.once('timeout', () => socket.destroy(new Error('HAProxy does not answer')));
      socket.once('error', reject);
      socket.once('close', () => resolve(text));
      socket.write(`${order}\n`);
    });
  }

  #configuration(): string {
    const { nodes, addresses } = this.#needs;
    const services = SERVICES.map(({ role, section, check }) =>
      [
        `listen ${section}`,
        `  bind ${text(this.addressOf(role))}`,
        '  balance roundrobin',
        `  option httpchk OPTIONS ${check}`,
        '  http-check expect status 200',
        '  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions',
        ...nodes.map(({ name, addresses: { postgresForClients: sql, restForClients: rest } }) => {
          return `  server ${name} ${text(sql)} check addr ${rest.host} port ${rest.port}`;
        }),
      ].join('\n'),
    );
    return `${[
      [
        'global',
        '  maxconn 4000',
        // Where the account may not open so many files it takes fewer connections.
        '  no strict-limits',
        // Anybody may ask, nobody may give orders.
        `  stats socket ipv4@${text(addresses.statistics)} level user`,
      ].join('\n'),
      [
        'defaults',
        '  mode tcp',
        '  retries 2',
        '  timeout connect 4s',
        // Idle connections are for the client and the server to end.
        '  timeout client 24h',
        '  timeout server 24h',
        '  timeout check 2s',
      ].join('\n'),
      ...services,
    ].join('\n\n')}\n`;
  }
}

/** Servers of one section that are up, in a CSV as `show stat` gives it. */
export function serversUp(statistics: string, section: string): string[] {
  const [head = '', ...rows] = statistics.replace(/^# /, '').trim().split('\n');
  const columns = head.split(',');
  const at = (name: string) => columns.indexOf(name);
  return rows
    .map((row) => row.split(','))
    .filter((row) => row[at('pxname')] === section && (row[at('status')] ?? '').startsWith('UP'))
    .map((row) => row[at('svname')] ?? '')
    .filter((name) => name !== 'FRONTEND' && name !== 'BACKEND');
}

function text({ host, port }: Address): string {
  return `${host}:${port}`;
}
