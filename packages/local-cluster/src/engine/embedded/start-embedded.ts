import { join } from 'node:path';
import { ClusterError } from '../../errors.ts';
import { DEFAULT_VERSION, SUPERUSER, type PostgresVersion, type ResolvedOptions } from '../../options.ts';
import type { Account } from '../../process/children.ts';
import { findFreePort } from '../../process/ports.ts';
import type { ClusterEvent } from '../../cluster.ts';
import type { StartedEngine, StartNeeds } from '../engine.ts';
import { prepareBinaries } from './binaries.ts';
import { explainFailure } from '../explain-failure.ts';
import { prepareGround, writeCertificates } from '../ground.ts';
import { createReplicationRole, initialise } from './bootstrap.ts';
import { createDatabase } from '../create-database.ts';
import { makeCertificates } from '../certificates.ts';
import { DataDisk } from '../data-disk.ts';
import { EmbeddedEngine } from './embedded-engine.ts';
import { makeServerDirectory } from '../layout.ts';
import { Member } from './member.ts';
import { makePassword } from '../password.ts';
import { PostgresServer } from './postgres-server.ts';

/** Brings up servers, roles and database; resolves when every standby follows. */
export async function startEmbedded({
  options,
  directory,
  janitor,
  emit,
  signal,
  onRolesChanged,
}: StartNeeds): Promise<StartedEngine> {
  const ground = await prepareGround({ directory, janitor, emit, signal });
  const { account, children, layout, progress } = ground;

  progress('preparing binaries and certificates');
  const [binaries, certificates] = await Promise.all([
    prepareBinaries(versionOf(options), directory, account),
    options.certificates ?? makeCertificates(),
  ]);
  await writeCertificates(certificates, layout, account);

  const passwords = {
    user: options.password ?? makePassword(),
    superuser: options.superuserPassword ?? makePassword(),
    replication: makePassword(),
  };
  const superuser = { user: SUPERUSER, password: passwords.superuser, ca: certificates.ca };
  const members: Member[] = [];
  for (let number = 1; number <= options.replicas + 1; number += 1) {
    const name = `pg${number}`;
    const port = await findFreePort();
    await makeServerDirectory(layout.serverDirectory(name), account);
    const directoryOfServer = layout.serverDirectory(name);
    const disk = await mountDisk(directoryOfServer, options.diskMb, account);
    const identity = { name, port, directory: directoryOfServer, disk };
    members.push(new Member(new PostgresServer(identity, binaries.postgres, children, superuser)));
  }
  const [primary, ...standbys] = members as [Member, ...Member[]];

  const following = new FollowingStandbys(standbys.map(({ name }) => name));
  const engine: EmbeddedEngine = new EmbeddedEngine({
    options,
    members,
    children,
    replicationPassword: passwords.replication,
    emit: (event) => {
      following.hear(event);
      emit(event);
    },
    onRolesChanged: () => onRolesChanged(engine),
  });
  const giveUp = () => void engine.stop();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    progress(`creating ${primary.name}`);
    await initialise(primary.server, { binaries, children, layout, options, superuser });
    await primary.server.configure({ upstream: 'nowhere', confirming: options.synchronous ? [] : undefined });
    signal.throwIfAborted();
    await primary.server.start(signal);
    await createReplicationRole(primary.server, passwords.replication);
    await createDatabase(primary.server, options, passwords.user);

    if (standbys.length > 0) progress(`cloning ${standbys.map(({ name }) => name).join(', ')}`);
    await engine.begin(primary);
    await following.whenAll(signal);
  } catch (error) {
    await engine.stop();
    // What was being started while the engine was stopped.
    await Promise.all(members.map(({ server }) => server.stop('immediate')));
    throw explainFailure(
      error,
      directory,
      members.map(({ server }) => server.logFile),
    );
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  return { engine, children, layout, ca: certificates.ca, passwords };
}

/** `any` is for Patroni alone. */
function versionOf({ version }: ResolvedOptions): PostgresVersion {
  return version === 'any' ? DEFAULT_VERSION : version;
}

async function mountDisk(
  serverDirectory: string,
  diskMb: number | false,
  account: Account | undefined,
): Promise<DataDisk | undefined> {
  if (diskMb === false) return undefined;
  const directory = join(serverDirectory, 'data');
  await makeServerDirectory(directory, account);
  return DataDisk.mount(directory, diskMb, account);
}

/** Listens until every standby follows, or something fails that must not fail in a start. */
class FollowingStandbys {
  readonly #missing: Set<string>;
  readonly #settled = Promise.withResolvers<void>();

  constructor(names: readonly string[]) {
    this.#missing = new Set(names);
    // A failure may come before anybody waits.
    this.#settled.promise.catch(() => undefined);
    if (names.length === 0) this.#settled.resolve();
  }

  async whenAll(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#settled.reject(signal.reason), { once: true });
    signal.throwIfAborted();
    await this.#settled.promise;
  }

  hear({ type, server, detail }: Omit<ClusterEvent, 'at'>): void {
    if (type === 'server:rejoined' && server !== undefined) {
      this.#missing.delete(server);
      if (this.#missing.size === 0) this.#settled.resolve();
    }
    if (type === 'server:failed' || type === 'server:lost' || type === 'primary:lost') {
      this.#settled.reject(new ClusterError('start-failed', detail));
    }
  }
}
