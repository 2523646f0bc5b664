import type { Lab } from '../config/lab.ts';
import { addresses } from './addresses.ts';
import { charts } from './charts.ts';
import { klatab } from './klatab.ts';
import { helperSchema } from './helper-schema.ts';
import type { ManifestInputs, ManifestStep } from './manifest.ts';
import { monitoring } from './monitoring.ts';
import { namespaces } from './namespaces.ts';
import { networkPolicies } from './network-policies.ts';
import { postgresql } from './postgresql.ts';
import { certificates, credentials } from './secrets.ts';
import { backupShare, storage } from './storage.ts';

/**
 * Everything that a lab is made of, in the order in which it must be applied. Pure: the same lab and inputs give the same
 * objects in the same order. Steps without objects are left out.
 *
 * @throws TypeError where `charts.source` is `directory` and a chart's file is not among the inputs.
 */
export function manifestSteps(lab: Lab, inputs: ManifestInputs): ManifestStep[] {
  const steps: ManifestStep[] = [
    { id: 'namespaces', manifests: namespaces(lab) },
    { id: 'storage', manifests: storage(lab) },
    { id: 'charts', manifests: charts(lab, inputs) },
    // Before the services that are to get them: an address once given stays.
    { id: 'addresses', manifests: addresses(lab) },
    { id: 'network-policies', manifests: networkPolicies(lab) },
    { id: 'certificates', manifests: certificates(lab) },
    { id: 'credentials', manifests: credentials(lab) },
    { id: 'backup-share', manifests: backupShare(lab) },
    { id: 'cluster', manifests: [postgresql(lab)] },
    { id: 'helper-schema', manifests: helperSchema(lab, inputs.helperSql) },
    { id: 'monitoring', manifests: monitoring(lab) },
    { id: 'klatab', manifests: klatab(lab) },
  ];
  return steps.filter(({ manifests }) => manifests.length > 0);
}
