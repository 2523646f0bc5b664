/** The password never reaches an error, an event, a diagnostics message, a snapshot or what Node prints of them. */
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClientEvents } from '../endpoint/client-events.ts';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import type { FakeServer } from '../../test/support/fake-server.ts';
import { SILENCE, sqlError } from '../../test/support/fake-server.ts';
import { createSchoolDb } from './create-school-db.ts';

/** Passwords that do not occur by chance in what is printed; quotes, blanks and escapes among them. */
const PASSWORD = fc
  .string({ minLength: 6, maxLength: 30, unit: 'binary-ascii' })
  .map((text) => `pw§${text}§`);

type Client = ReturnType<typeof makeClient>;

/** Ways to fail, each of which ends with an error or an event. */
const TROUBLES: Record<string, (client: Client) => Promise<unknown>> = {
  'no such host': ({ db, primary }) => refused(primary, 'ENOTFOUND', () => db.write('INSERT x')),
  'password refused': ({ db, primary }) => refused(primary, '28P01', () => db.write('INSERT x')),
  'not allowed in': ({ db, primary }) => refused(primary, '28000', () => db.write('INSERT x')),
  certificate: ({ db, primary }) => refused(primary, 'CERT_HAS_EXPIRED', () => db.write('INSERT x')),
  'unknown outcome': ({ db, primary }) => {
    answer(primary, loseConnection);
    return db.write('INSERT x');
  },
  'lost commit': ({ db, primary }) => {
    answer(primary, transactional({ onCommit: once(loseConnection, loseConnection), settled: false }));
    return db.transaction((tx) => tx.query('INSERT x'));
  },
  'no answer': ({ db, primary }) => {
    answer(primary, () => SILENCE);
    return db.write('INSERT x');
  },
  'SQL error': ({ db, primary }) => {
    answer(primary, () => {
      throw sqlError('23505');
    });
    return db.write('INSERT x', ['a value']);
  },
  'bad call': ({ db }) => db.write('INSERT x', [], { deadlineMs: -1 }),
};

function refused(server: FakeServer, code: string, work: () => Promise<unknown>): Promise<unknown> {
  server.refusal = sqlError(code);
  return work();
}

let cleanUp: (() => void)[] = [];

afterEach(() => {
  for (const each of cleanUp) each();
  cleanUp = [];
});

/** Everything that anybody could write into a log from now on. */
function overhear(db: Client['db']): unknown[] {
  const heard: unknown[] = [];
  const listen = (message: unknown) => void heard.push(message);
  const names: (keyof ClientEvents)[] = ['attempt:failed', 'endpoint:down', 'endpoint:up', 'primary:changed'];
  for (const name of names) db.on(name, listen);
  const sources = ['operation', 'attempt', 'lease', 'failover'].flatMap((name) => {
    const { start, asyncEnd, error } = tracingChannel(`schooldb:${name}`);
    return [start, asyncEnd, error];
  });
  for (const source of [...sources, channel('schooldb:event')]) {
    source.subscribe(listen);
    cleanUp.push(() => source.unsubscribe(listen));
  }
  return heard;
}

function printed(value: unknown): string {
  const shown = inspect(value, { depth: 20, showHidden: true, getters: true, maxStringLength: Infinity });
  return `${shown}\n${String(value)}\n${json(value)}\n${value instanceof Error ? value.stack : ''}`;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '';
  }
}

/** The password itself, and as it looks in a quoted string. */
function formsOf(password: string): string[] {
  return [password, JSON.stringify(password).slice(1, -1), inspect(password).slice(1, -1)];
}

describe('the password', () => {
  it.each(Object.keys(TROUBLES))('is not in what is told of this: %s', async (trouble) => {
    await fc.assert(
      fc.asyncProperty(PASSWORD, fc.boolean(), async (password, asFunction) => {
        const client = makeClient({ password: asFunction ? () => password : password, deadlineMs: 300 });
        const heard = overhear(client.db);
        const ended = TROUBLES[trouble]!(client).then(
          () => 'done',
          (error: unknown) => error,
        );
        await client.clock.advance(500);
        const error = await ended;
        expect(error).toBeInstanceOf(Error);
        const all = [error, client.db, client.db.health(), ...heard].map(printed).join('\n');
        for (const form of formsOf(password)) expect(all).not.toContain(form);
        await client.db.close();
      }),
      { numRuns: 20 },
    );
  });

  it('is not in what is said of bad options', () => {
    const good = { endpoints: { master: 'db' }, database: 'school', user: 'app' };
    const bad: ((password: string) => object | string)[] = [
      (password) => `postgres://app:${password}@db:x/school`,
      (password) => `host=db password='${password}' sslmode=prefer`,
      (password) => ({ ...good, connectionString: `postgres://app:${encodeURIComponent(password)}@h?ssl=1` }),
      (password) => ({ ...good, password: [password] }),
      (password) => ({ ...good, password: { password } }),
      (password) => ({ ...good, password, tls: password }),
      (password) => ({ ...good, password, maxConnections: 0 }),
      (password) => ({ ...good, password, unknown: true }),
      (password) => ({ ...good, endpoints: { master: `postgres://app:${password}@db/school` } }),
      (password) => ({ ...good, database: { password } }),
    ];
    fc.assert(
      fc.property(PASSWORD, fc.constantFrom(...bad), (password, make) => {
        let error: unknown;
        try {
          createSchoolDb(make(password));
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toMatchObject({ code: 'SCHOOLDB_INVALID_OPTIONS' });
        for (const form of formsOf(password)) expect(printed(error)).not.toContain(form);
      }),
    );
  });
});
