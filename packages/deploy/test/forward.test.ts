/** `deploy:lab forward` into pods behind which real servers stand. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { NAME, useOperatedLab } from './support/operated-lab.ts';
import { QUICK } from './support/use-cluster.ts';
import type { Ran, RunOptions } from './support/use-cluster.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab();

interface Forwarded {
  readonly port: number;
  /** What was said after the first lines. */
  readonly said: string[];
  readonly stop: () => Promise<Ran>;
}

/** Starts a forward, and ends it with the test at the latest. */
async function forwarding(args: readonly string[], options: RunOptions = {}): Promise<Forwarded> {
  const stopping = new AbortController();
  const said: string[] = [];
  const ran = lab().deploy(['forward', ...args], {
    ...options,
    session: { signal: stopping.signal },
    onLine: (line) => said.push(line),
  });
  const stop = () => {
    stopping.abort();
    return ran;
  };
  onTestFinished(async () => void (await stop()));
  await expect.poll(() => said.length, { timeout: 60_000 }).toBeGreaterThan(0);
  return { port: Number(/127\.0\.0\.1:(\d+)/.exec(said.join(''))?.[1]), said, stop };
}

async function connectPg(port: number): Promise<pg.Client> {
  const { database, user, password, ca } = lab().database;
  // As libpq does with host and hostaddr.
  const checkName = (_host: string, certificate: PeerCertificate) => checkServerIdentity(NAME, certificate);
  const ssl = { ca, checkServerIdentity: checkName };
  const client = new pg.Client({ host: '127.0.0.1', port, database, user, password, ssl });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** The pod's port leads to this server. */
function putBehind(pod: number, server: number): void {
  const { port = 0 } = lab().database.servers[server] ?? {};
  lab().server.pods.ports.set(`default/${NAME}-${pod}:5432`, port);
}

function deletePod(name: string): void {
  const { api } = lab().server;
  const type = api.registry.findKind('v1', 'Pod');
  if (type === undefined) throw new Error('the kind Pod is missing');
  api.delete({ type, namespace: 'default', name }, { gracePeriodSeconds: 0 });
}

describeWithPoolers('deploy:lab forward db', () => {
  it('leads to the primary, and to the new one when its pod has died', async () => {
    const { server } = lab();
    for (const pod of [0, 1, 2]) putBehind(pod, pod);
    const { port, stop } = await forwarding(['db']);
    const client = await connectPg(port);
    const large = await client.query<{ text: string }>(`SELECT repeat('ä', 3000000) AS text`);
    expect(large.rows[0]?.text).toHaveLength(3_000_000);
    expect((await client.query('SELECT pg_is_in_recovery() AS standby')).rows).toEqual([{ standby: false }]);

    const ended = new Promise((resolve) => client.once('end', resolve));
    server.lab.patroni.leaders.set(NAME, `${NAME}-1`);
    deletePod(`${NAME}-0`);
    await ended;
    await expect
      .poll(
        () =>
          server.api.store.list('/pods').find(({ metadata }) => metadata.name === `${NAME}-1`)?.metadata
            .labels?.['spilo-role'],
        { timeout: 30_000 },
      )
      .toBe('master');
    const next = await connectPg(port);
    // Here the second pod has a standby behind it, by which it is known.
    expect((await next.query('SELECT pg_is_in_recovery() AS standby')).rows).toEqual([{ standby: true }]);
    const { code, err } = await stop();
    expect(code).toBe(EXIT.ok);
    expect(err).toContain(`Connections lead to Pod default/${NAME}-0.`);
    expect(err).toContain(`Connections lead to Pod default/${NAME}-1.`);
    await expect(connectPg(port)).rejects.toThrow('ECONNREFUSED');
    server.lab.patroni.leaders.clear();
  });

  it('says how to connect, with the certificate verified in full', async () => {
    const { port, said } = await forwarding(['db', '--lang', 'de']);
    expect(said.join('\n')).toContain(
      `psql "host=${NAME} hostaddr=127.0.0.1 port=${port} dbname=firmendaten user=bauer sslmode=verify-full sslrootcert=${NAME}-ca.crt"`,
    );
    expect(said.join('\n')).toContain('Strg-C beendet es.');
  });

  it('says what is wrong with a connection, and goes on', async () => {
    const { server } = lab();
    const { port, stop } = await forwarding(['db'], { pace: { ...QUICK, databaseMs: 50 } });
    server.pods.forbidden.add('portforward');
    const refused = connect(port, '127.0.0.1');
    refused.on('error', () => {});
    refused.resume();
    await once(refused, 'close');
    server.pods.forbidden.clear();
    server.lab.faults.stuckPods = () => true;
    onTestFinished(() => void (server.lab.faults.stuckPods = () => false));
    for (const pod of [0, 1, 2]) deletePod(`${NAME}-${pod}`);
    const waiting = connect(port, '127.0.0.1');
    waiting.on('error', () => {});
    waiting.resume();
    await once(waiting, 'close');
    const { code, err } = await stop();
    expect(code).toBe(EXIT.ok);
    expect(err).toContain('takes no portforward');
    expect(err).toContain("'kubectl auth can-i create pods/portforward'");
    expect(err).toContain('A connection was closed: no pod has been ready');
  });

  it('refuses a port that is taken, and what is no destination', async () => {
    const taken = createTcpServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const { deploy } = lab();
    expect(await deploy(['forward', 'db', '--port', String(port)])).toMatchObject({
      code: EXIT.failed,
      err: expect.stringContaining(`127.0.0.1:${port} cannot be listened on (EADDRINUSE)`) as string,
    });
    expect((await deploy(['forward', 'dbb'])).err).toContain(
      "'dbb' is no destination; allowed: db, ui, longhorn",
    );
    expect((await deploy(['forward', 'db', '--port', '70000'])).code).toBe(EXIT.usage);
    expect((await deploy(['forward', 'longhorn'])).err).toContain(
      'This lab has no longhorn: addons.longhorn is false.',
    );
  });
});

describeWithPoolers('deploy:lab forward ui', () => {
  it("leads to the operator's page", async () => {
    const page = createServer((_, response) => response.end('the page'));
    page.listen(0, '127.0.0.1');
    await once(page, 'listening');
    onTestFinished(() => void page.close());
    const { server } = lab();
    const pod = server.api.store
      .list('/pods', 'postgres-operator')
      .find(({ metadata }) => metadata.name?.startsWith('postgres-operator-ui'));
    server.pods.ports.set(
      `postgres-operator/${pod?.metadata.name ?? ''}:8081`,
      (page.address() as AddressInfo).port,
    );
    const { port } = await forwarding(['ui']);
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    expect(await answer.text()).toBe('the page');
  });
});
