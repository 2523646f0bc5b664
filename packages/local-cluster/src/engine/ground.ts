import { chmod, chown, writeFile } from 'node:fs/promises';
import type { ServerCertificates } from '../own-secrets.ts';
import { Children, type Account } from '../process/children.ts';
import { requireReachable, serverAccount } from './account.ts';
import type { StartNeeds } from './engine.ts';
import { layoutOf, writeServerFile, type CertificateFiles, type Layout } from './layout.ts';

/** What every engine stands on. */
export interface Ground {
  /** Whom the servers run as; undefined: as whoever we are. */
  account: Account | undefined;
  children: Children;
  layout: Layout;
  /** Says what comes next. Throws where the start was given up. */
  progress: (detail: string) => void;
}

/** Lets the servers' account in where it has to: they reach their own directories through this one, and nobody else does. */
export async function prepareGround({
  directory,
  janitor,
  emit,
  signal,
}: Pick<StartNeeds, 'directory' | 'janitor' | 'emit' | 'signal'>): Promise<Ground> {
  const account = serverAccount();
  if (account !== undefined) {
    await chown(directory, 0, account.gid);
    await chmod(directory, 0o710);
    await requireReachable(directory, account);
  }
  return {
    account,
    children: new Children(janitor, directory, account),
    layout: layoutOf(directory),
    progress: (detail) => {
      signal.throwIfAborted();
      emit({ type: 'start:progress', detail });
    },
  };
}

/** The authority for everybody, the rest for the servers alone. */
export async function writeCertificates(
  { ca, certificate, key }: ServerCertificates,
  { caFile, certificateFile, keyFile }: CertificateFiles,
  account: Account | undefined,
): Promise<void> {
  await writeFile(caFile, ca, { mode: 0o644 });
  await writeServerFile(certificateFile, certificate, account);
  await writeServerFile(keyFile, key, account);
}
