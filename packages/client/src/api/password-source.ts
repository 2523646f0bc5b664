/** Where the password comes from. What is in a file is read again for each new connection: a rotation needs no restart. */
import type { Address } from '../endpoint/address-order.ts';
import { InvalidOptionsError } from '../errors/option-errors.ts';
import { OptionFile } from './option-file.ts';
import type { Given, OptionSource } from './option-source.ts';
import { firstWith } from './option-source.ts';
import type { Login } from './passfile.ts';
import { passwordFor } from './passfile.ts';

/** Asked for the password on each new connection. Empty: none is sent. */
export type PasswordSource = (address: Address) => string | Promise<string>;

/** @throws InvalidOptionsError also for a file that can't be read now, before any connection needs it. */
export function resolvePassword(sources: readonly OptionSource[], login: Login): PasswordSource {
  const { password, passwordFile, passfile } =
    firstWith(sources, ['password', 'passwordFile', 'passfile']) ?? {};
  if (password !== undefined && passwordFile !== undefined) {
    throw new InvalidOptionsError(
      `${password.name} and ${passwordFile.name} contradict each other: give one`,
    );
  }
  if (password !== undefined) return fixedOrAsked(password);
  if (passwordFile !== undefined) return fromFile(new OptionFile(passwordFile));
  if (passfile !== undefined) return fromPassfile(new OptionFile(passfile), login);
  return () => '';
}

function fixedOrAsked({ name, value }: Given): PasswordSource {
  if (typeof value === 'function') return () => (value as () => string | Promise<string>)();
  // Not described: whatever it is, it may be a secret.
  if (typeof value !== 'string') {
    throw new InvalidOptionsError(`${name} must be a text or a function that returns one`);
  }
  return () => value;
}

/**
 * While it is replaced the file may be away or empty for a moment, which must fail nobody: the password before it is
 * tried then, and the server says whether it still holds.
 */
function fromFile(file: OptionFile): PasswordSource {
  const passwordIn = (text: string) => text.replace(/\r?\n$/, '');
  let latest = passwordIn(file.readNow());
  if (latest === '') throw file.refuse('is empty, but must hold the password');
  return async () => (latest = passwordIn(await file.readAgain()) || latest);
}

function fromPassfile(file: OptionFile, login: Login): PasswordSource {
  let latest = file.readNow();
  return async (address) => {
    latest = (await file.readAgain()) || latest;
    return passwordFor({ ...address, ...login }, latest);
  };
}
