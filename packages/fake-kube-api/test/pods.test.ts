import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Exec, PortForward, type V1Status } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { PodCommand } from '../src/index.ts';
import { useFakeKubeApi, type Clients } from './support/use-fake-kube-api.ts';

async function withPod(): Promise<Clients> {
  const clients = await useFakeKubeApi();
  const containers = [{ name: 'postgres', image: 'postgres:16' }];
  await clients.core.createNamespacedPod({
    namespace: 'default',
    body: { metadata: { name: 'db-0' }, spec: { containers } },
  });
  return clients;
}

/** Runs a command with the library. */
async function exec({ config }: Clients, command: string[], input: string | null = null) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stdin = input === null ? null : Readable.from([input]);
  const status = await new Promise<V1Status>((resolve, reject) => {
    new Exec(config)
      .exec('default', 'db-0', 'postgres', command, stdout, stderr, stdin, false, resolve)
      .catch(reject);
  });
  stdout.end();
  stderr.end();
  return { status, stdout: await text(stdout), stderr: await text(stderr) };
}

describe('exec', () => {
  it('runs what the test says, with input, output and exit code', async () => {
    const clients = await withPod();
    const seen: PodCommand[] = [];
    clients.server.pods.run = (command) => {
      seen.push(command);
      return {
        stdout: `read ${command.stdin}`,
        stderr: 'careful',
        exitCode: command.command.includes('fail') ? 3 : 0,
      };
    };
    expect(await exec(clients, ['psql', '-c', 'select 1'], 'input')).toMatchObject({
      status: { status: 'Success' },
      stdout: 'read input',
      stderr: 'careful',
    });
    expect(seen).toEqual([
      {
        namespace: 'default',
        pod: 'db-0',
        container: 'postgres',
        command: ['psql', '-c', 'select 1'],
        stdin: 'input',
      },
    ]);
    const failed = await exec(clients, ['fail']);
    expect(failed.status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });

  it('is refused for a pod that is not there', async () => {
    const { config } = await withPod();
    await expect(
      new Exec(config).exec('default', 'other', 'postgres', ['true'], null, null, null, false),
    ).rejects.toBeDefined();
  });
});

describe('a forwarded port', () => {
  it('leads to where the test says', async () => {
    const clients = await withPod();
    const echo = createServer((socket) => socket.pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    clients.server.pods.ports.set('default/db-0:5432', (echo.address() as AddressInfo).port);
    const [input, output] = [new PassThrough(), new PassThrough()];
    await new PortForward(clients.config).portForward('default', 'db-0', [5432], output, null, input);
    input.write('hello');
    const [answer] = (await once(output, 'data')) as [Buffer];
    expect(answer.toString()).toBe('hello');
    input.end();
    echo.close();
  });
});
