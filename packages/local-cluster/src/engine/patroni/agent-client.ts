import { request } from 'node:http';
import type { Address } from '../../endpoint.ts';
import { AGENT_USER } from './configuration.ts';

/** What an agent says of its server. */
export interface AgentAnswer {
  /** It has the leader's lease: what HAProxy goes by. */
  leads: boolean;
  /** `running`, `starting`, `creating replica`, `stopped`, … */
  state: string;
  role: string;
  timeline: number | null;
  paused: boolean;
  /** On a standby: it is one of those that may be promoted in synchronous mode. */
  synchronous: boolean;
  /** On a primary: who streams from it. */
  streaming: readonly string[];
}

export interface Reply {
  status: number;
  text: string;
}

/** Patroni's own words, as far as they matter here. */
interface Wording {
  state?: string;
  role?: string;
  timeline?: number;
  pause?: boolean;
  sync_standby?: boolean;
  replication?: { application_name?: string; state?: string }[];
}

/** Patroni's REST interface of one node. */
export class AgentClient {
  readonly #address: Address;
  readonly #password: string;

  constructor(address: Address, password: string) {
    this.#address = address;
    this.#password = password;
  }

  /** Undefined when it does not answer in time. */
  async ask(timeoutMs: number): Promise<AgentAnswer | undefined> {
    try {
      const { status, text } = await this.order('GET', '/primary', undefined, timeoutMs);
      const said = JSON.parse(text) as Wording;
      return {
        leads: status === 200,
        state: said.state ?? 'unknown',
        role: said.role ?? 'unknown',
        timeline: said.timeline ?? null,
        paused: said.pause === true,
        synchronous: said.sync_standby === true,
        streaming: (said.replication ?? [])
          .filter(({ state }) => state === 'streaming')
          .map(({ application_name }) => application_name ?? ''),
      };
    } catch {
      return undefined;
    }
  }

  /**
   * Whom Patroni would promote in synchronous mode, as etcd has it now; what agents say of themselves is a
   * loop old. None where that can't be told.
   */
  async synchronousStandbys(timeoutMs: number): Promise<string[]> {
    try {
      const { text } = await this.order('GET', '/cluster', undefined, timeoutMs);
      const { members = [] } = JSON.parse(text) as { members?: { name: string; role: string }[] };
      return members.filter(({ role }) => role === 'sync_standby').map(({ name }) => name);
    } catch {
      return [];
    }
  }

  /** Resolves with whatever it answers; rejects when it does not. */
  order(method: string, path: string, body: object | undefined, timeoutMs: number): Promise<Reply> {
    const content = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asking = request(
        {
          ...this.#address,
          method,
          path,
          agent: false,
          auth: `${AGENT_USER}:${this.#password}`,
          headers: { 'content-length': Buffer.byteLength(content) },
          signal: AbortSignal.timeout(timeoutMs),
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => (text += chunk));
          answer.once('error', reject);
          answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        },
      );
      asking.once('error', reject);
      asking.end(content);
    });
  }
}
