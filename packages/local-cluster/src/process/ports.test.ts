import { once } from 'node:events';
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findFreePort } from './ports.ts';

describe('findFreePort', () => {
  it('never gives a port twice, though nobody listens on it', async () => {
    const ports: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) ports.push(await findFreePort());
    expect(new Set(ports).size).toBe(20);
  });

  it('leaves out what somebody listens on', async () => {
    const next = (await findFreePort()) + 1;
    const server = createServer().listen(next, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    expect(await findFreePort()).toBe(next + 1);
  });

  it('gives no port of another process that lives: that holds the first of its block until it ends', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'schooldb-ports-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const script = join(directory, 'other.mjs');
    await writeFile(
      script,
      `import { findFreePort } from ${JSON.stringify(new URL('ports.ts', import.meta.url).href)};
       process.send(await findFreePort());
       process.once('disconnect', () => {});`,
    );
    const others = [fork(script), fork(script)];
    onTestFinished(() => {
      for (const other of others) other.kill();
    });
    const messages = await Promise.all(
      others.map(async (other) => once(other, 'message') as Promise<[number]>),
    );
    const firsts = [...messages.map(([port]) => port), await findFreePort()].map(firstOfBlock);
    expect(new Set(firsts).size).toBe(3);
    for (const first of firsts) expect(await codeOfListening(first)).toBe('EADDRINUSE');
    const [other] = others;
    other?.kill();
    if (other?.exitCode === null && other.signalCode === null) await once(other, 'exit');
    expect(await codeOfListening(firsts[0] ?? 0)).toBeUndefined();
  });
});

function firstOfBlock(port: number): number {
  return port - ((port - 10_240) % 256);
}

async function codeOfListening(port: number): Promise<string | undefined> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    server.close();
  }
}
