import { vi } from 'vitest';
import type { AnyObject, Clients } from './use-fake-kube-api.ts';

/** Longer than any machine under load needs. */
export const SOON = { timeout: 60_000, interval: 50 };

export function helmChart(name: string, targetNamespace: string, spec: object = {}): AnyObject {
  return {
    apiVersion: 'helm.cattle.io/v1',
    kind: 'HelmChart',
    metadata: { name, namespace: 'kube-system' },
    spec: {
      chart: name,
      repo: 'https://charts.example.com',
      targetNamespace,
      createNamespace: true,
      failurePolicy: 'abort',
      ...spec,
    },
  };
}

/** A pool of one address for the services with these labels. */
export function pool(name: string, addresses: string[], spec: object = {}): AnyObject {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name, namespace: 'metallb-system' },
    spec: { addresses, ...spec },
  };
}

export function pinned(name: string, address: string, matchLabels: Record<string, string>): AnyObject {
  return pool(name, [`${address}/32`], {
    serviceAllocation: { priority: 10, serviceSelectors: [{ matchLabels }] },
  });
}

export function database(spec: object = {}): AnyObject {
  return {
    apiVersion: 'acid.zalan.do/v1',
    kind: 'postgresql',
    metadata: { name: 'wichtige-daten-3', namespace: 'default' },
    spec: {
      teamId: 'acid',
      numberOfInstances: 3,
      postgresql: { version: '16' },
      volume: { size: '10Gi', storageClass: 'local-path' },
      users: { bauer: [] },
      databases: { firmendaten: 'bauer' },
      enableMasterLoadBalancer: true,
      enableReplicaLoadBalancer: true,
      enableConnectionPooler: true,
      enableReplicaConnectionPooler: true,
      enableMasterPoolerLoadBalancer: true,
      enableReplicaPoolerLoadBalancer: true,
      allowedSourceRanges: ['10.0.145.0/24'],
      connectionPooler: { numberOfInstances: 2, mode: 'transaction' },
      ...spec,
    },
  };
}

/** Applies again and again, as a provisioner does, until the server takes it. */
export async function applyWhenPossible({ apply }: Clients, object: AnyObject): Promise<AnyObject> {
  return vi.waitFor(() => apply(object), SOON);
}

/** Installs MetalLB with the pools of the lab, and the operator. */
export async function installLab(clients: Clients): Promise<void> {
  await clients.apply(helmChart('metallb', 'metallb-system'));
  await clients.apply(helmChart('postgres-operator', 'postgres-operator'));
  const cluster = { 'cluster-name': 'wichtige-daten-3' };
  for (const each of [
    pinned('master', '10.0.145.135', { ...cluster, application: 'spilo', 'spilo-role': 'master' }),
    pinned('replica', '10.0.145.136', { ...cluster, application: 'spilo', 'spilo-role': 'replica' }),
    pinned('replica-pooler', '10.0.145.137', {
      ...cluster,
      'connection-pooler': 'wichtige-daten-3-pooler-repl',
    }),
    pinned('master-pooler', '10.0.145.138', { ...cluster, 'connection-pooler': 'wichtige-daten-3-pooler' }),
    pool('general', ['10.0.145.130-10.0.145.134', '10.0.145.139-10.0.145.149'], { autoAssign: false }),
  ]) {
    await applyWhenPossible(clients, each);
  }
}
