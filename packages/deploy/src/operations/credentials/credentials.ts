import type { EndpointKind } from '@schooldb/client';
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { secretValues } from '../../kube/secret-values.ts';
import { tlsSecretName } from '../../manifests/manifest.ts';
import { credentialsName } from '../../manifests/secrets.ts';
import { POSTGRES_PORT } from '../reach.ts';
import type { Place } from '../reach.ts';

/** What an app needs to reach a database. */
export interface AppAccess {
  readonly addresses: Readonly<{ master: Place } & Partial<Record<EndpointKind, Place>>>;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** PEM of the authority that the servers' certificate must be signed by. */
  readonly ca: string;
}

/** The same of a lab, which has all four addresses. */
export interface Credentials extends AppAccess {
  readonly addresses: Readonly<Record<EndpointKind, Place>>;
}

/**
 * From the Secrets that the operator and the servers use, so that they are right whoever has made them.
 *
 * @throws DeployError that names the Secret and the key that is missing.
 */
export async function readCredentials(kube: KubeApi, lab: Lab): Promise<Credentials> {
  const { database, user } = lab.cluster;
  const account = credentialsName(lab, user);
  return {
    addresses: addressesOf(lab),
    database,
    user: await secretValue(kube, lab, account, 'username'),
    password: await secretValue(kube, lab, account, 'password'),
    ca: await secretValue(kube, lab, tlsSecretName(lab), 'ca.crt'),
  };
}

export function addressesOf({ network: { addresses } }: Lab): Record<EndpointKind, Place> {
  const place = (host: string) => ({ host, port: POSTGRES_PORT });
  return {
    master: place(addresses.master),
    replica: place(addresses.replica),
    masterPooler: place(addresses.masterPooler),
    replicaPooler: place(addresses.replicaPooler),
  };
}

async function secretValue(kube: KubeApi, { cluster }: Lab, name: string, key: string): Promise<string> {
  const { namespace } = cluster;
  const value = (await secretValues(kube, namespace, name))?.[key] ?? '';
  if (value === '') throw new DeployError({ code: 'credentials-missing', namespace, secret: name, key });
  return value;
}
