import { ClusterError, messageOf } from '../../errors.ts';
import { waitFor } from '../../process/wait.ts';
import { makeCertificates } from '../certificates.ts';
import { createDatabase } from '../create-database.ts';
import type { StartedEngine, StartNeeds } from '../engine.ts';
import { explainFailure } from '../explain-failure.ts';
import { prepareGround, writeCertificates } from '../ground.ts';
import { makePassword } from '../password.ts';
import { chooseAddresses } from './addresses.ts';
import { Balancer } from './balancer.ts';
import { AGENT_USER } from './configuration.ts';
import { Etcd } from './etcd.ts';
import { NodeNetwork } from './network.ts';
import { PatroniEngine } from './patroni-engine.ts';
import { PatroniNode } from './patroni-node.ts';
import { findPrograms } from './programs.ts';

/** initdb, and clones from a busy disk. */
const PRIMARY_WITHIN_MS = 120_000;
const STANDBYS_WITHIN_MS = 300_000;
const ANSWER_MS = 2_000;

/** Brings up etcd, HAProxy, nodes, roles and database; resolves when every standby follows. */
export async function startPatroni({
  options,
  directory,
  janitor,
  emit,
  signal,
  onRolesChanged,
}: StartNeeds): Promise<StartedEngine> {
  const programs = await findPrograms(options);
  const ground = await prepareGround({ directory, janitor, emit, signal });
  const { account, children, layout, progress } = ground;

  progress('preparing addresses and certificates');
  const names = Array.from({ length: options.replicas + 1 }, (_, index) => `pg${index + 1}`);
  const addresses = await chooseAddresses(names.length);
  // The balancer's as well: who reads the connections that pass it verifies the server at its address.
  const hosts = new Set(
    [
      ...addresses.nodes.map(({ postgres }) => postgres),
      addresses.etcd.client,
      addresses.balancer.master,
      addresses.balancer.replica,
    ].map(({ host }) => host),
  );
  const own = await makeCertificates({ addresses: [...hosts] });
  await writeCertificates(own, layout.control, account);
  const shown = options.certificates ?? own;
  await writeCertificates(shown, layout, account);

  const passwords = {
    user: options.password ?? makePassword(),
    superuser: options.superuserPassword ?? makePassword(),
  };
  const secrets = { superuser: passwords.superuser, replication: makePassword(), agent: makePassword() };
  const nodes = names.map((name, index) => {
    const needs = { name, directory: layout.serverDirectory(name), patroni: programs.patroni };
    const found = addresses.nodes[index];
    if (found === undefined) throw new Error(`no addresses for ${name}`);
    const shared = { postgresBin: programs.postgresBin, options, layout, secrets, children };
    return new PatroniNode({ ...needs, ...shared, addresses: found, ca: shown.ca });
  });
  const etcd = new Etcd(programs.etcd, addresses.etcd, layout, children);
  const network = new NodeNetwork();
  const balancer = new Balancer({
    program: programs.haproxy,
    addresses: addresses.balancer,
    nodes: names.flatMap((name, index) => {
      const found = addresses.nodes[index];
      return found === undefined ? [] : [{ name, addresses: found }];
    }),
    layout,
    children,
    emit,
    onChange: () => engine.balancerChanged(),
  });
  const engine: PatroniEngine = new PatroniEngine({
    options,
    nodes,
    etcd,
    network,
    balancer,
    emit,
    onRolesChanged: () => onRolesChanged(engine),
  });
  const [first, ...others] = nodes as [PatroniNode, ...PatroniNode[]];
  // Whatever is waited for ends with it, a long initSql included.
  const giveUp = () => void engine.stop();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    progress('starting etcd and HAProxy');
    await network.open(names, addresses);
    await etcd.start(signal);
    await balancer.start(signal);
    progress(`creating ${first.name}`);
    for (const node of nodes) await node.prepare();
    await first.startAgent();
    await untilPrimary(first, signal);
    await requireSettings(first, options.settings);
    await createDatabase(first, options, passwords.user);
    signal.throwIfAborted();

    if (others.length > 0) progress(`cloning ${others.map(({ name }) => name).join(', ')}`);
    engine.begin();
    for (const node of others) {
      signal.throwIfAborted();
      await node.startAgent();
    }
    await untilServing(engine, options.synchronous, signal);
  } catch (error) {
    await engine.stop();
    // What was being started while the engine was stopped.
    await Promise.all([balancer.stop(), etcd.kill(), network.close(), ...nodes.map((node) => node.kill())]);
    throw explainFailure(error, directory, [etcd.logFile, ...nodes.map(({ logFile }) => logFile)]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  const agents = Object.fromEntries(
    addresses.nodes.map(({ rest }, index) => [names[index] ?? '', rest] as const),
  );
  const patroni = { agents, user: AGENT_USER, password: secrets.agent };
  return { engine, children, layout, ca: shown.ca, passwords, patroni };
}

async function untilPrimary(node: PatroniNode, signal: AbortSignal): Promise<void> {
  const outcome = await waitFor(
    async () => {
      if (!node.agentRuns) return 'ended';
      await node.look(ANSWER_MS);
      return node.answer?.leads === true && node.answer.state === 'running' && 'primary';
    },
    { timeoutMs: PRIMARY_WITHIN_MS, everyMs: 50, signal },
  );
  if (outcome === 'primary') return;
  const how =
    outcome === undefined ? `is not primary after ${PRIMARY_WITHIN_MS} ms` : 'ended while it started';
  throw new ClusterError('start-failed', `${node.name} ${how}: ${node.lastWords()}`);
}

/**
 * Patroni leaves out what PostgreSQL does not know and adapts what is out of range, with a line in its log
 * for whoever looks. Tried in a session, each says by itself what is wrong with it.
 */
async function requireSettings(node: PatroniNode, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    try {
      await node.session((session) => session.query('SELECT set_config($1, $2, true)', [name, value]));
    } catch (error) {
      // There is such a setting, which no session may change.
      if ((error as { code?: string }).code === '55P02') continue;
      throw new ClusterError('bad-option', `option settings.${name}: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** Everybody has a role, and HAProxy leads to everybody. */
async function untilServing(engine: PatroniEngine, synchronous: boolean, signal: AbortSignal): Promise<void> {
  const ready = await waitFor(
    async () => {
      const standbys = engine.nodes.length - 1;
      if (engine.primary === undefined || !engine.nodes.every((node) => engine.isBack(node))) return false;
      if (engine.backends('primary').length !== 1 || engine.backends('standby').length !== standbys)
        return false;
      // Before Patroni has chosen it hands over to nobody.
      return !synchronous || (await engine.status()).servers.some((server) => server.synchronous);
    },
    { timeoutMs: STANDBYS_WITHIN_MS, everyMs: 50, signal },
  );
  if (ready === true) return;
  const missing = engine.nodes.filter((node) => !engine.isBack(node));
  const words = missing.map((node) => `${node.name}: ${node.lastWords()}`).join(' | ');
  throw new ClusterError(
    'start-failed',
    `the cluster is not complete after ${STANDBYS_WITHIN_MS} ms (${words || 'HAProxy does not lead to every server'})`,
  );
}
