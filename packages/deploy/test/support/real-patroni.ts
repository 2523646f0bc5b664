/**
 * Real Patroni behind the pods: what shows of it in the cluster follows its agents, curl in a pod reaches that pod's agent,
 * and with the primary's pod its server and agent die. Patroni knows its members as `pg1`, the cluster as `…-0`; names are
 * translated both ways.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandResult, KubeObject, PodCommand } from '@schooldb/fake-kube-api';
import type { PatroniAccess } from '@schooldb/local-cluster';
import { NAME } from './names.ts';
import type { OperatedLab } from './operated-lab.ts';
import { podOf, serverOf } from './patroni-pods.ts';

const LOOK_MS = 100;
const ANSWER_MS = 2_000;
/** What curl says where nothing listens. */
const CANNOT_CONNECT = 7;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What an agent says of its server. */
interface Said {
  readonly state?: string;
  readonly timeline?: number;
  readonly pending_restart?: boolean;
  readonly xlog?: {
    readonly location?: number;
    readonly received_location?: number;
    readonly replayed_location?: number;
  };
}

export class RealPatroni {
  readonly #lab: OperatedLab;
  readonly #access: PatroniAccess;
  /** Pods whose server has died, and is not back yet. */
  readonly #dead = new Set<string>();
  readonly #stopping: (() => void)[] = [];
  #following = true;
  #isPaused = false;
  #loop: Promise<void> | undefined;

  constructor(lab: OperatedLab) {
    this.#lab = lab;
    const { patroni } = lab.database;
    if (patroni === undefined) throw new Error('these servers have no agents');
    this.#access = patroni;
  }

  begin(): void {
    const { server } = this.#lab;
    server.pods.run = (command) => this.#curl(command);
    this.#stopping.push(
      server.api.store.onChange(({ type, resource, object }) => {
        if (type === 'DELETED' && resource === '/pods') void this.#podHasGone(object);
      }),
    );
    this.#loop = this.#follow();
  }

  async stop(): Promise<void> {
    this.#following = false;
    for (const stop of this.#stopping) stop();
    await this.#loop;
  }

  /** The cluster's objects stay as they are while something is done, as where an agent has not written them yet. */
  async unseen<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#isPaused = true;
    try {
      return await work();
    } finally {
      this.#isPaused = false;
    }
  }

  async #follow(): Promise<void> {
    let before = '';
    while (this.#following) {
      const now = this.#isPaused ? before : JSON.stringify(await this.#look());
      if (now !== before) this.#lab.server.lab.start('postgres-operator');
      before = now;
      await sleep(LOOK_MS);
    }
  }

  /** Brings what the cluster shows to what the agents say. @returns what that is */
  async #look(): Promise<unknown> {
    const { patroni, controllers } = this.#lab.server.lab;
    const servers = Object.keys(this.#access.agents);
    const answers = await Promise.all(
      servers.map(async (name) => ({ pod: podOf(name), answer: await this.#ask(name, '/primary') })),
    );
    if (this.#isPaused) return undefined;
    let leader: string | null = null;
    for (const { pod, answer } of answers) {
      if (answer === undefined) continue;
      const { state, timeline, xlog, pending_restart } = JSON.parse(answer.text) as Said;
      if (state === undefined || timeline === undefined) continue;
      const position = xlog?.location ?? Math.max(xlog?.received_location ?? 0, xlog?.replayed_location ?? 0);
      patroni.members.set(pod, {
        state,
        timeline,
        xlog_location: position,
        ...(pending_restart === true ? { pending_restart } : {}),
      });
      if (state === 'running' && this.#dead.delete(pod)) {
        this.#lab.away.delete(pod);
        controllers.start('kubelet');
      }
      // It has the lease, and its pod is there to bear the label.
      if (answer.status === 200 && this.#isReady(pod)) leader = pod;
    }
    patroni.leaders.set(NAME, leader);
    const confirming = await this.#confirming(servers);
    // What was asked for before the pause may be answered in the middle of it.
    if (confirming !== undefined && !this.#isPaused) patroni.confirming.set(NAME, confirming);
    return { leader, confirming, members: [...patroni.members] };
  }

  /** By who answers first; undefined where nobody does. */
  async #confirming(servers: readonly string[]): Promise<string[] | undefined> {
    const answers = await Promise.all(servers.map((name) => this.#ask(name, '/cluster')));
    const said = answers.find((answer) => answer !== undefined);
    if (said === undefined) return undefined;
    const { members = [] } = JSON.parse(said.text) as { members?: { name: string; role: string }[] };
    return members.filter(({ role }) => role === 'sync_standby').map(({ name }) => podOf(name));
  }

  #isReady(pod: string): boolean {
    const found = this.#lab.server.api.store.get('/pods', 'default', pod)?.['status'];
    const { conditions = [] } = (found ?? {}) as { conditions?: { type: string; status: string }[] };
    return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  }

  async #podHasGone({ metadata: { name = '', labels = {} } }: KubeObject): Promise<void> {
    if (labels['spilo-role'] !== 'master') return;
    // The new one under its name is not ready before its server is.
    this.#lab.away.add(name);
    this.#lab.server.lab.patroni.leaders.set(NAME, null);
    await this.#lab.database.fault('kill-primary');
    this.#dead.add(name);
  }

  async #curl({ pod, command }: PodCommand): Promise<CommandResult> {
    const [program = ''] = command;
    const url = command.at(-1) ?? '';
    if (program !== 'curl' || !url.startsWith('http://localhost:8008/'))
      return { stderr: `bash: ${program}: command not found\n`, exitCode: 127 };
    const after = (option: string) => command[command.indexOf(option) + 1] ?? '';
    const body = command.includes('--data') ? after('--data') : undefined;
    try {
      const answer = await this.#order(serverOf(pod), new URL(url).pathname, {
        body: body?.replaceAll(new RegExp(`${NAME}-\\d+`, 'g'), serverOf),
        timeoutMs: Number(after('--max-time')) * 1_000,
      });
      return { stdout: `${answer.text.replaceAll(/\bpg\d+\b/g, podOf)}\n${answer.status}` };
    } catch (error) {
      return { stderr: `curl: (${CANNOT_CONNECT}) ${String(error)}\n`, exitCode: CANNOT_CONNECT };
    }
  }

  async #ask(server: string, path: string): Promise<Answer | undefined> {
    try {
      return await this.#order(server, path, { timeoutMs: ANSWER_MS });
    } catch {
      return undefined;
    }
  }

  async #order(
    server: string,
    path: string,
    { body, timeoutMs }: { readonly body?: string | undefined; readonly timeoutMs: number },
  ): Promise<Answer> {
    const { agents, user, password } = this.#access;
    const signal = AbortSignal.timeout(timeoutMs);
    const asking = request({
      ...agents[server],
      path,
      method: body === undefined ? 'GET' : 'POST',
      auth: `${user}:${password}`,
      agent: false,
      signal,
    });
    asking.end(body);
    const [answer] = (await once(asking, 'response')) as [AsyncIterable<Buffer> & { statusCode?: number }];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  }
}
