/**
 * Where options come from: what the code gives, connection strings, variables. Each source is read into the same form,
 * in which every value carries the name by which errors call it; for each option the first source that has it decides.
 */
import type { SchoolDbOptions } from './options.ts';

/** An option's value, unchecked, and what its giver knows it as, for example `'deadlineMs'` or `SCHOOLDB_DEADLINE_MS`. */
export interface Given {
  readonly name: string;
  readonly value: unknown;
}

/** Where to connect, as libpq says it: any of the hosts may be the primary. */
export interface GivenHosts {
  /** What they are part of. */
  readonly name: string;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** Reads go to the primary as well (`target_session_attrs=primary`). */
  readonly primaryOnly: boolean;
}

type AddressName = 'master' | 'replica' | 'masterPooler' | 'replicaPooler';
type PasswordName = 'password' | 'passwordFile' | 'passfile';
type TlsName = 'tls' | 'tlsCaFile' | 'tlsServerName';
type OwnName = Exclude<keyof SchoolDbOptions, 'connectionString' | 'endpoints'>;

export type OptionName = AddressName | PasswordName | TlsName | OwnName;

/** What one source says; an option that it leaves out is absent. */
export type OptionSource = { readonly [Name in OptionName]?: Given } & { readonly hosts?: GivenHosts };

/** Process variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the first source that has the option says. */
export function firstGiven(sources: readonly OptionSource[], option: OptionName): Given | undefined {
  return firstWith(sources, [option])?.[option];
}

/** The first source that has any of the options. */
export function firstWith(
  sources: readonly OptionSource[],
  options: readonly OptionName[],
): OptionSource | undefined {
  return sources.find((source) => options.some((option) => source[option] !== undefined));
}

/** An empty variable is none: that is how one is unset in many places (compose files, `${NAME:-}`). */
export function variable(env: Environment, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name];
}
