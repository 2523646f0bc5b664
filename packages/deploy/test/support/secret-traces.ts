/** Looks for secrets in what was said, however they are written there. */
import type { FakeKubeApi } from '@schooldb/fake-kube-api';
import { secretsOf } from './use-cluster.ts';

/** Shorter ones, of one line of several, stand in many a word. */
const SHORTEST_LINE = 9;

/** What must be seen nowhere: the values of all Secrets that are ours, and what the kubeconfig is good for. */
export function secretsIn(server: FakeKubeApi): string[] {
  const values = Object.values(secretsOf(server)).flatMap((data) =>
    Object.entries(data).flatMap(([key, value]) => (key.endsWith('.crt') ? [] : [value])),
  );
  return [...new Set([...values, server.token])];
}

/** @returns for each of the secrets that the text holds, how it is written there. */
export function tracesIn(text: string, secrets: readonly string[]): string[] {
  return secrets.flatMap((secret) =>
    Object.entries(spellingsOf(secret)).flatMap(([how, spellings]) =>
      spellings.some((spelling) => text.includes(spelling)) ? [how] : [],
    ),
  );
}

function spellingsOf(secret: string): Record<string, readonly string[]> {
  const lines = secret
    .split('\n')
    .filter((line) => line.length >= SHORTEST_LINE && !line.startsWith('-----'));
  return {
    'as it is': secret.includes('\n') ? lines : [secret],
    'in JSON': [JSON.stringify(secret).slice(1, -1)],
    'in an address': [encodeURIComponent(secret)],
    'in hexadecimal': [Buffer.from(secret).toString('hex')],
    'in base64': lines.length > 1 ? lines.flatMap(withinBase64) : withinBase64(secret),
  };
}

/** Also as a part of something longer, where it begins at any of three bits. Without the ends, which the neighbours share. */
function withinBase64(secret: string): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]).toString('base64');
    return whole.slice(before === 0 ? 0 : before + 1, Math.floor(((before + secret.length) * 4) / 3) - 1);
  });
}
