/** `pnpm deploy:lab` without a command: all of it. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { QUICK, useCluster } from './support/use-cluster.ts';

/** The API server of our own has no databases: nothing listens there. */
const WITHOUT_DATABASE = {
  pace: { ...QUICK, databaseMs: 300 },
  session: { reach: () => ({ host: '127.0.0.1', port: 1 }) },
};

describe('deploy:lab', () => {
  it('goes from nothing to verified, and tells by its exit code what verify has found', async () => {
    const { server, deploy } = await useCluster();
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      return 'y';
    };
    const first = await deploy([], { ...WITHOUT_DATABASE, ask });
    expect(questions).toEqual(['Change 30 objects in this cluster? [y/N] ']);
    expect(first.code).toBe(EXIT.failed);
    expect(first.out).toContain('The cluster is as the lab.yaml says: 30 written');
    expect(first.out).toMatch(/^ok +.*10\.0\.145\.137/m);
    expect(first.out).toMatch(/^FAILED +.*cannot be reached from here \(ECONNREFUSED\)/m);

    // Where nothing is to be done it is verified all the same, and nobody is asked.
    server.requests.clear();
    const second = await deploy(['--lang', 'de'], {
      ...WITHOUT_DATABASE,
      ask: () => Promise.reject(new Error('asked')),
    });
    expect(second.code).toBe(EXIT.failed);
    expect(second.out).toContain('Nichts zu tun');
    expect(second.out).toMatch(/ECONNREFUSED/);
    expect(server.requests.writes()).toEqual([]);
  });

  it('verifies nothing where nobody has agreed', async () => {
    const { server, deploy } = await useCluster();
    const { code, out } = await deploy([], { ask: async () => 'n' });
    expect(code).toBe(EXIT.failed);
    expect(out.split('\n').at(-1)).toBe('Nothing was changed.');
    expect(server.requests.writes()).toEqual([]);
  });
});
