import rateLimit from '@fastify/rate-limit';
import { fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signInLimits } from './sign-in-limits.ts';

const app = fastify({ trustProxy: true });
await app.register(rateLimit, { global: false });
const mayTry = signInLimits(app);
app.get<{ Querystring: { login: string } }>('/', async (request) => mayTry(request, request.query.login));

async function tryAs(login: string, address: string): Promise<boolean> {
  const headers = { 'x-forwarded-for': address };
  const answer = await app.inject({ url: '/', query: { login }, headers });
  return answer.json<boolean>();
}

describe('signInLimits', () => {
  let address = 0;
  let ip = '';
  beforeEach(() => void (ip = `192.0.2.${(address += 1)}`));
  afterEach(async () => expect(await tryAs('somebody else', '198.51.100.1')).toBe(true));

  it('lets one login be tried ten times from one address, in whatever case', async () => {
    for (let attempt = 0; attempt < 10; attempt += 1)
      expect(await tryAs(attempt % 2 === 0 ? 'pupil' : 'PUPIL', ip)).toBe(true);
    expect(await tryAs('pupil', ip)).toBe(false);
    expect(await tryAs('teacher', ip)).toBe(true);
    expect(await tryAs('pupil', '203.0.113.9')).toBe(true);
  });

  it('lets one address try 300 logins', async () => {
    for (let attempt = 0; attempt < 300; attempt += 1) expect(await tryAs(`pupil${attempt}`, ip)).toBe(true);
    expect(await tryAs('pupil300', ip)).toBe(false);
    expect(await tryAs('pupil300', '203.0.113.10')).toBe(true);
  });
});
