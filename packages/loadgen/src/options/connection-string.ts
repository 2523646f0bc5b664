import { readFileSync } from 'node:fs';
import type { Address, Target, Tls } from '../drivers/target.ts';
import { UsageError } from './usage-error.ts';

const SHAPE = 'postgres://user:password@host:5432/database?sslmode=require';
const DEFAULT_PORT = 5432;
const PARAMETERS = ['sslmode', 'sslrootcert'];
const SSL_MODES = ['disable', 'require', 'verify-full'];

/**
 * Reads `--target` and `--replica-target`. Nothing given is ever repeated in an error: it may hold the password.
 *
 * @param environment - `PGPASSWORD` is used where the string has no password: arguments can be seen by every user of
 * the machine.
 */
export function parseTarget(text: string, environment: NodeJS.ProcessEnv = {}): Target {
  const url = parseUrl('--target', text);
  const password = decodeURIComponent(url.password) || environment['PGPASSWORD'];
  if (!password) throw new UsageError(`--target: no password: write it as ${SHAPE} or set PGPASSWORD`);
  if (url.username === '') throw new UsageError(`--target: no user: write it as ${SHAPE}`);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '') throw new UsageError(`--target: no database: write it as ${SHAPE}`);
  return {
    master: addressOf(url),
    replica: null,
    database,
    user: decodeURIComponent(url.username),
    password,
    tls: tlsOf(url),
  };
}

/** Only the address counts: user, database and TLS are those of the master. */
export function parseReplicaAddress(text: string): Address {
  return addressOf(parseUrl('--replica-target', text));
}

function parseUrl(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol) || url.hostname === '')
    throw new UsageError(`${option}: not a connection string; write it as ${SHAPE}`);
  for (const name of url.searchParams.keys())
    if (!PARAMETERS.includes(name))
      throw new UsageError(`${option}: unknown parameter '${name}'; allowed are ${PARAMETERS.join(' and ')}`);
  return url;
}

function addressOf(url: URL): Address {
  // Brackets are how a URL writes IPv6; a socket wants it without.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: url.port === '' ? DEFAULT_PORT : Number(url.port) };
}

function tlsOf(url: URL): Tls | null {
  const mode = url.searchParams.get('sslmode') ?? 'disable';
  if (!SSL_MODES.includes(mode))
    throw new UsageError(`--target: sslmode '${mode}' is not one of ${SSL_MODES.join(', ')}`);
  if (mode === 'disable') return null;
  const path = url.searchParams.get('sslrootcert');
  return { ca: path === null ? null : readCertificate(path), verify: mode === 'verify-full' };
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--target: sslrootcert cannot be read: ${(error as Error).message}`);
  }
}
