import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** Of those that OWASP's cheat sheet on storing passwords offers the one that takes 32 MiB. */
const COST = { N: 2 ** 15, r: 8, p: 3 };
const KEY_BYTES = 32;
/** A login that does not exist takes as long as one that does. */
const NOBODY = `scrypt$${COST.N}$${COST.r}$${COST.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** @returns method, cost, salt and key in one text, so that the cost can be raised later. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

export async function verifyPassword(password: string, hash: string = NOBODY): Promise<boolean> {
  const [method, N, r, p, salt = '', key = ''] = hash.split('$');
  if (method !== 'scrypt') throw new Error(`unknown password hash '${method}'`);
  const expected = Buffer.from(key, 'base64url');
  const given = await derive(password, Buffer.from(salt, 'base64url'), {
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return timingSafeEqual(given, expected) && hash !== NOBODY;
}

function derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
  // Whoever types an umlaut as one character or as two means the same.
  const text = password.normalize('NFKC');
  const options = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) => {
    scrypt(text, salt, KEY_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
