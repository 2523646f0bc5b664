/** Everything that can be seen of a cluster that is there, from where an app would be. */
import type { EndpointKind } from '@schooldb/client';
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { readCredentials } from '../credentials/credentials.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { Place, Reach } from '../reach.ts';
import { failed, notChecked, ok } from './check.ts';
import type { CheckResult, Result } from './check.ts';
import { checkAddress, checkDatabase, checkMembers, checkNodes, checkPoolers } from './cluster-checks.ts';
import { openClients } from './database-clients.ts';
import { checkSql, SQL_CHECKS } from './sql-checks.ts';
import { probeTls } from './tls-probe.ts';

const ENDPOINTS = ['master', 'replica', 'masterPooler', 'replicaPooler'] as const;
const DAY_MS = 24 * 60 * 60 * 1_000;

export interface VerifyContext {
  readonly lab: Lab;
  readonly kube: KubeApi;
  readonly reach: Reach;
  /** One operation on the database, in milliseconds. */
  readonly databaseMs: number;
  readonly signal: AbortSignal;
  /** Hears each result as it comes. */
  readonly report: (result: CheckResult) => void;
}

/**
 * Looks at everything, whatever fails: what cannot be looked at then is named as not checked. Nothing is left behind.
 *
 * @throws DeployError where the Kubernetes API cannot be reached or refuses; what the signal was aborted with.
 */
export async function verify(context: VerifyContext): Promise<void> {
  const { lab, kube, report } = context;
  report({ check: 'nodes', result: await checkNodes(kube, lab) });
  report({ check: 'database', result: await checkDatabase(kube, lab) });
  report({ check: 'poolers', result: await checkPoolers(kube, lab) });
  report({ check: 'members', result: await checkMembers(kube, lab) });
  for (const endpoint of ENDPOINTS)
    report({ check: 'address', endpoint, result: await checkAddress(kube, lab, endpoint) });
  const credentials = await checkCredentials(context);
  if (credentials === undefined) {
    for (const line of [...ENDPOINTS.map((endpoint) => ({ check: 'tls', endpoint }) as const), ...SQL_CHECKS])
      report({ ...line, result: notChecked({ is: 'needs', check: 'credentials' }) });
  } else {
    await checkTls(context, credentials);
    await checkWithClients(context, credentials);
  }
  report({ check: 'failover', result: notChecked({ is: 'is-a-drill' }) });
  report({ check: 'api-balancer', result: notChecked({ is: 'needs-hosts' }) });
  report({ check: 'backup', result: notChecked({ is: 'needs-backup' }) });
}

async function checkCredentials({ kube, lab, report }: VerifyContext): Promise<Credentials | undefined> {
  try {
    const credentials = await readCredentials(kube, lab);
    const { user, database } = credentials;
    report({ check: 'credentials', result: ok({ is: 'credentials-there', user, database }) });
    return credentials;
  } catch (error) {
    if (!(error instanceof DeployError) || error.failure.code !== 'credentials-missing') throw error;
    const { namespace, secret, key } = error.failure;
    report({ check: 'credentials', result: failed({ is: 'secret-incomplete', namespace, secret, key }) });
    return undefined;
  }
}

async function checkTls(context: VerifyContext, { addresses, ca }: Credentials): Promise<void> {
  const probe = async (endpoint: EndpointKind): Promise<CheckResult> => ({
    check: 'tls',
    endpoint,
    result: await checkTlsAt(context, addresses[endpoint], ca),
  });
  // Together: an address that swallows everything takes as long as it may.
  for (const found of await Promise.all(ENDPOINTS.map(probe))) context.report(found);
}

async function checkTlsAt(
  { reach, databaseMs, signal }: VerifyContext,
  place: Place,
  ca: string,
): Promise<Result> {
  const address = `${place.host}:${place.port}`;
  const probe = await probeTls(reach(place), ca, { timeoutMs: databaseMs, signal });
  if (probe.is === 'unreachable') return failed({ is: 'unreachable', address, reason: probe.reason });
  if (probe.is === 'no-tls') return failed({ is: 'no-tls', address });
  if (probe.is === 'certificate') return failed({ is: 'certificate', address, reason: probe.reason });
  const days = Math.floor((probe.validTo - Date.now()) / DAY_MS);
  return ok({ is: 'verified', protocol: probe.protocol, days });
}

async function checkWithClients(context: VerifyContext, credentials: Credentials): Promise<void> {
  const { lab, reach, databaseMs, signal, report } = context;
  const clients = openClients(credentials, reach, databaseMs);
  try {
    await checkSql({ lab, clients, patienceMs: databaseMs, signal, report });
  } finally {
    await clients.close();
  }
}
