/** Credentials as apps take them; always with the authority and the certificate verified in full. Pure. */
import type { EndpointKind } from '@schooldb/client';
import { columns } from '../../cli/columns.ts';
import type { Place } from '../reach.ts';
import type { AppAccess } from './credentials.ts';

export const FORMATS = ['text', 'env', 'uri', 'json'] as const;
export type Format = (typeof FORMATS)[number];

const ENDPOINTS = ['master', 'replica', 'masterPooler', 'replicaPooler'] as const;
const MASK = '********';

/** What is shown without being asked for. */
export function masked(access: AppAccess): AppAccess {
  return { ...access, password: MASK };
}

/** @param caPath - where the app will find the authority's certificate. */
export function formatted(format: Format, access: AppAccess, caPath: string): string[] {
  if (format === 'env') return environmentLines(access, caPath);
  if (format === 'uri') return [uriOf(access, access.addresses.master, caPath)];
  return format === 'json' ? [jsonOf(access, caPath)] : textLines(access, caPath);
}

/**
 * The client's own variables, and libpq's for psql and whatever else: the client reads its own first. In a form that
 * shells, systemd and `node --env-file` take.
 */
function environmentLines(access: AppAccess, caPath: string): string[] {
  const { database, user, password } = access;
  const { host, port } = access.addresses.master;
  const variables: Record<string, string> = {
    ...Object.fromEntries(placesOf(access).map(([kind, place]) => [VARIABLES[kind], placeText(place)])),
    SCHOOLDB_DATABASE: database,
    SCHOOLDB_USER: user,
    SCHOOLDB_PASSWORD: password,
    SCHOOLDB_TLS_CA_FILE: caPath,
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database,
    PGUSER: user,
    PGPASSWORD: password,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: caPath,
  };
  return Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)}`);
}

const VARIABLES: Readonly<Record<EndpointKind, string>> = {
  master: 'SCHOOLDB_MASTER',
  replica: 'SCHOOLDB_REPLICA',
  masterPooler: 'SCHOOLDB_MASTER_POOLER',
  replicaPooler: 'SCHOOLDB_REPLICA_POOLER',
};

function uriOf({ database, user, password }: AppAccess, place: Place, caPath: string): string {
  // A mask is not to be mistaken for a password.
  const secret = password === MASK ? MASK : encodeURIComponent(password);
  const account = `${encodeURIComponent(user)}:${secret}`;
  const query = `sslmode=verify-full&sslrootcert=${encodeURIComponent(caPath)}`;
  return `postgres://${account}@${placeText(place)}/${encodeURIComponent(database)}?${query}`;
}

function jsonOf(access: AppAccess, caPath: string): string {
  const { addresses, database, user, password, ca } = access;
  const uris = Object.fromEntries(
    placesOf(access).map(([kind, place]) => [kind, uriOf(access, place, caPath)]),
  );
  const tls = { mode: 'verify-full', caPath, ca };
  return JSON.stringify({ version: 1, addresses, database, user, password, tls, uris }, undefined, 2);
}

function textLines(access: AppAccess, caPath: string): string[] {
  const { database, user, password } = access;
  return columns([
    ...placesOf(access).map(([kind, place]) => [kind, placeText(place)]),
    ['database', database],
    ['user', user],
    ['password', password],
    ['sslmode', 'verify-full'],
    ['sslrootcert', caPath],
  ]);
}

function placesOf({ addresses }: AppAccess): [EndpointKind, Place][] {
  return ENDPOINTS.flatMap((kind): [EndpointKind, Place][] => {
    const place = addresses[kind];
    return place === undefined ? [] : [[kind, place]];
  });
}

function placeText({ host, port }: Place): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function quoted(value: string): string {
  return /^[-\w.,:/@%+=*]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
