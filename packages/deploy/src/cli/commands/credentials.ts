import { dirname, join, resolve } from 'node:path';
import { writeWhole } from '../../files/write-whole.ts';
import { readCredentials } from '../../operations/credentials/credentials.ts';
import { FORMATS, formatted, masked } from '../../operations/credentials/formats.ts';
import type { Format } from '../../operations/credentials/formats.ts';
import type { Language } from '../../config/language.ts';
import { UsageError } from '../command.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { withCluster } from '../with-cluster.ts';
import { FILE, KUBECONFIG } from './shared-options.ts';

interface CredentialsOptions extends ClusterOptions {
  readonly show?: boolean;
  readonly format?: string;
  readonly output?: string;
  readonly ca?: string;
}

/** For the owner alone. */
const SECRET_MODE = 0o600;

const TEXTS = {
  de: {
    badFormat: (given: string) => `das Format '${given}' gibt es nicht; erlaubt: ${FORMATS.join(', ')}`,
    written: (path: string, caPath: string) => `${path} und ${caPath} sind geschrieben, nur für Sie lesbar.`,
    caWritten: (caPath: string) => `${caPath} ist geschrieben.`,
    caNotWritten: (caPath: string) =>
      `Das Zertifikat der Zertifizierungsstelle wurde nicht geschrieben: '--ca ${caPath}' tut es.`,
    masked: () => 'Das Passwort ist verdeckt: --show zeigt es, --output schreibt es in eine Datei.',
  },
  en: {
    badFormat: (given: string) => `there is no format '${given}'; allowed: ${FORMATS.join(', ')}`,
    written: (path: string, caPath: string) => `${path} and ${caPath} are written, for you alone to read.`,
    caWritten: (caPath: string) => `${caPath} is written.`,
    caNotWritten: (caPath: string) =>
      `The authority's certificate was not written: '--ca ${caPath}' does it.`,
    masked: () => 'The password is masked: --show shows it, --output writes it to a file.',
  },
} satisfies Record<Language, unknown>;

export const credentials: Command<CredentialsOptions> = {
  name: 'credentials',
  about: {
    de: 'zeigen, was eine App braucht: Adressen, Benutzer, Passwort (verdeckt), Zertifizierungsstelle',
    en: 'show what an app needs: addresses, user, password (masked), authority',
  },
  options: [
    KUBECONFIG,
    { name: 'show', about: { de: 'das Passwort zeigen', en: 'show the password' } },
    {
      name: 'format',
      value: { de: 'Format', en: 'format' },
      about: {
        de: `${FORMATS.join(', ')}; env sind Variablen, uri ist die Master-Adresse (sonst text)`,
        en: `${FORMATS.join(', ')}; env are variables, uri is the master address (default: text)`,
      },
    },
    {
      name: 'output',
      value: FILE,
      about: {
        de: 'in diese Datei schreiben, mit Passwort und nur für Sie lesbar, das Zertifikat der Stelle daneben',
        en: 'write to this file, with the password and for you alone to read, and the authority beside it',
      },
    },
    {
      name: 'ca',
      value: FILE,
      about: {
        de: 'das Zertifikat der Zertifizierungsstelle in diese Datei schreiben',
        en: "write the authority's certificate to this file",
      },
    },
  ],
  run({ show = false, format = 'text', output: path, ca, ...options }, session, output) {
    const texts = TEXTS[options.language];
    if (!isFormat(format)) throw new UsageError(texts.badFormat(format));
    return withCluster(options, session, output, async ({ kube, lab }) => {
      const access = await readCredentials(kube, lab);
      const caPath = resolve(
        ca ?? join(path === undefined ? '.' : dirname(path), `${lab.cluster.name}-ca.crt`),
      );
      if (ca !== undefined || path !== undefined) await writeWhole(caPath, access.ca, SECRET_MODE);
      if (path !== undefined) {
        await writeWhole(resolve(path), `${formatted(format, access, caPath).join('\n')}\n`, SECRET_MODE);
        output.err(texts.written(resolve(path), caPath));
        return EXIT.ok;
      }
      for (const line of formatted(format, show ? access : masked(access), caPath)) output.out(line);
      output.err(ca === undefined ? texts.caNotWritten(caPath) : texts.caWritten(caPath));
      if (!show) output.err(texts.masked());
      return EXIT.ok;
    });
  },
};

function isFormat(text: string): text is Format {
  return (FORMATS as readonly string[]).includes(text);
}
