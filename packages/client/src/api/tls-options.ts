import { InvalidOptionsError } from '../errors/option-errors.ts';
import type { TlsOptions } from '../wire/wire.ts';
import { checkKeys, checkObject, checkText, describe } from './option-checks.ts';
import { OptionFile } from './option-file.ts';
import type { Given, OptionSource } from './option-source.ts';
import { firstGiven, firstWith } from './option-source.ts';

/**
 * Whether and how connections are encrypted. The first source that says anything of TLS decides whether it is used:
 * who names certificates wants them checked. What it leaves out comes from those behind it, except that an object in
 * the code is complete.
 */
export function resolveTls(sources: readonly OptionSource[]): TlsOptions | false {
  const decisive = firstWith(sources, ['tls', 'tlsCaFile', 'tlsServerName']);
  if (decisive === undefined) return false;
  const { tls } = decisive;
  if (typeof tls?.value === 'object') return resolveTlsObject(tls.value);
  if (tls !== undefined && !isOn(tls)) return false;
  const caFile = firstGiven(sources, 'tlsCaFile');
  const serverName = firstGiven(sources, 'tlsServerName');
  return {
    ca: caFile === undefined ? undefined : readCa(caFile),
    serverName: serverName === undefined ? undefined : checkText(serverName.name, serverName.value),
  };
}

/** A text is not shown: it may be a secret in the wrong place. */
function isOn({ name, value }: Given): boolean {
  if (typeof value === 'boolean') return value;
  const what = typeof value === 'string' ? 'another text' : describe(value);
  throw new InvalidOptionsError(
    `${name} must be true or false (in the code also { ca, serverName }), but is ${what}`,
  );
}

function resolveTlsObject(given: object | null): TlsOptions {
  const tls = checkObject("'tls'", given);
  checkKeys("'tls'", tls, ['ca', 'serverName']);
  const { ca, serverName } = tls;
  if (ca !== undefined && typeof ca !== 'string' && !Buffer.isBuffer(ca)) {
    throw new InvalidOptionsError(
      `'tls.ca' must be certificates in PEM, as a text or a Buffer, but is ${describe(ca)}`,
    );
  }
  return { ca, serverName: serverName === undefined ? undefined : checkText("'tls.serverName'", serverName) };
}

/** As libpq's `sslrootcert`: the word `system` stands for what the operating system trusts. */
function readCa(given: Given): string {
  if (given.value === 'system') {
    // Loaded here alone: it takes as long as half of this package, and an app that starts need not wait for it.
    const ca = process.getBuiltinModule('node:tls').getCACertificates('system').join('\n');
    if (ca !== '') return ca;
    throw new InvalidOptionsError(`${given.name} is 'system', but the operating system has no certificates`);
  }
  const file = new OptionFile(given);
  const ca = file.readNow();
  if (!ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw file.refuse("holds no certificates in PEM; 'system' stands for those of the operating system");
  }
  return ca;
}
