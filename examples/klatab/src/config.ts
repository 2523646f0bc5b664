import { parseArgs } from 'node:util';
import { z } from 'zod';

/** What was said can't be followed; the message says what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type Config =
  | { readonly command: 'help' }
  | { readonly command: 'migrate' }
  | {
      readonly command: 'serve';
      readonly host: string;
      readonly port: number;
      readonly demo: boolean;
      /** Undefined in a demonstration: one is made up. */
      readonly secret: string | undefined;
      readonly trustProxy: boolean;
    };

const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.number().max(65_535));

/** @throws UsageError */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): Config {
  const options = parse(argv);
  if (options.help === true) return { command: 'help' };
  if (options.migrate === true) return { command: 'migrate' };
  const { demo = false, host = '127.0.0.1' } = options;
  const given = port.safeParse(options.port ?? '8080');
  if (!given.success) throw new UsageError(`--port ${options.port}: not a port (allowed: 0 to 65535)`);
  const { KLATAB_SECRET: secret, KLATAB_TRUST_PROXY: trustProxy = 'false' } = env;
  if (!demo && (secret?.length ?? 0) < 32)
    throw new UsageError(
      'KLATAB_SECRET must be 32 characters or more; --demo makes one up for trying it out',
    );
  if (trustProxy !== 'true' && trustProxy !== 'false')
    throw new UsageError(`KLATAB_TRUST_PROXY is '${trustProxy}' (allowed: true, false)`);
  return { command: 'serve', host, port: given.data, demo, secret, trustProxy: trustProxy === 'true' };
}

function parse(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        demo: { type: 'boolean' },
        migrate: { type: 'boolean' },
        port: { type: 'string' },
        host: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
