import { randomBytes } from 'node:crypto';

/** For those that are not given. For URLs, connection strings and ini files alike: letters and digits only. */
export function makePassword(): string {
  return randomBytes(18).toString('hex');
}
