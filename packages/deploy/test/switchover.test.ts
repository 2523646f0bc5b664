/** `deploy:lab switchover`, with servers that really hand over. */
import type { PodCommand } from '@schooldb/fake-kube-api';
import { afterEach, expect, it } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { NAME, useOperatedLab } from './support/operated-lab.ts';
import { patroniIn } from './support/patroni-pods.ts';
import { QUICK } from './support/use-cluster.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab();

afterEach(() => {
  lab().server.lab.patroni.confirming.clear();
  lab().server.pods.forbidden.clear();
});

async function leader(): Promise<string> {
  const { out } = await lab().deploy(['status', '--json']);
  const { members } = JSON.parse(out) as { members: { pod: string; role: string }[] };
  return members.find(({ role }) => role === 'primary')?.pod ?? '';
}

describeWithPoolers('deploy:lab switchover', () => {
  it('asks, lets Patroni hand over, and proves it by writes on both ways', async () => {
    const seen: PodCommand[] = [];
    lab().server.pods.run = patroniIn(lab(), seen);
    const before = await leader();
    const questions: string[] = [];
    const ask = (answer: string) => async (question: string) => {
      questions.push(question);
      return answer;
    };
    expect(await lab().deploy(['switchover'], { ask: ask('n') })).toMatchObject({
      code: EXIT.failed,
      out: expect.stringContaining('Nothing was changed.') as string,
    });
    expect(seen).toEqual([]);
    const { code, out, err } = await lab().deploy(['switchover'], { ask: ask('y') });
    expect(code, out + err).toBe(EXIT.ok);
    expect(questions).toHaveLength(2);
    expect(questions[1]).toBe(`Hand the lead over from ${before}? Writes wait for a moment. [y/N] `);
    expect(seen).toMatchObject([{ namespace: 'default', pod: before, container: 'postgres' }]);
    const after = await leader();
    expect(after).not.toBe(before);
    expect(out).toContain(`${after} leads now, after`);
    expect(out).toContain('ok           write (master): done');
    expect(out).toContain('ok           write (master pooler): done');
  });

  it('refuses who cannot lead, with the names of those who can', async () => {
    const [primary, { server }] = [await leader(), lab()];
    const standbys = [0, 1, 2].map((n) => `${NAME}-${n}`).filter((pod) => pod !== primary);
    const [one = '', other = ''] = standbys;
    server.lab.patroni.confirming.set(NAME, [one]);
    server.lab.start('postgres-operator');
    await expect
      .poll(async () => (await lab().deploy(['switchover', '--yes', '--to', other])).err, { timeout: 30_000 })
      .toContain(`${other} does not confirm writes`);
    const messages: readonly (readonly [string, string])[] = [
      [primary, `${primary} leads already. Name one of ${one}, or leave it to Patroni.`],
      ['postgres-7', `postgres-7 is no member of this cluster. Name one of ${one}`],
    ];
    for (const [to, message] of messages) {
      const { code, err } = await lab().deploy(['switchover', '--yes', '--to', to]);
      expect({ code, err }).toEqual({ code: EXIT.failed, err: expect.stringContaining(message) as string });
    }
    expect((await lab().deploy(['switchover'])).code).toBe(EXIT.usage);
  });

  it('passes on what Patroni refuses, and what the API server does', async () => {
    const { server, deploy } = lab();
    server.pods.run = () => ({ stdout: 'candidate has no good replication state\n412' });
    expect((await deploy(['switchover', '--yes'])).err).toContain(
      'refuses the switchover (412: candidate has no good replication state)',
    );
    server.pods.run = () => ({ stderr: 'curl: (7) Failed to connect', exitCode: 7 });
    expect((await deploy(['switchover', '--yes', '--lang', 'de'])).err).toContain(
      'lehnt den Wechsel ab (curl 7: curl: (7) Failed to connect)',
    );
    server.pods.forbidden.add('exec');
    const { code, err } = await deploy(['switchover', '--yes']);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain(`takes no exec (Unexpected server response: 403)`);
    expect(err).toContain("'kubectl auth can-i create pods/exec'");
  });

  it('says why nobody has taken over, when that takes too long', async () => {
    const primary = await leader();
    lab().server.pods.run = () => ({ stdout: 'Successfully switched over\n200' });
    const { code, out, err } = await lab().deploy(['switchover', '--yes'], {
      pace: { ...QUICK, takeoverMs: 100 },
    });
    expect(code).toBe(EXIT.failed);
    expect(out).toContain(`  waiting: ${primary} still leads`);
    expect(err).toContain(`Nobody has taken over ${NAME} within 0 s: ${primary} still leads.`);
  });

  it('is stopped by Ctrl-C while Patroni is at it', async () => {
    const stopping = new AbortController();
    lab().server.pods.run = async () => {
      stopping.abort();
      return new Promise(() => {});
    };
    const { code, err } = await lab().deploy(['switchover', '--yes'], {
      session: { signal: stopping.signal },
    });
    expect({ code, err }).toMatchObject({ code: EXIT.interrupted });
    expect(err).toContain('Stopped.');
  });
});
