import type { Lab } from '../config/lab.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import { valueAt } from '../kube/live-object.ts';
import type { LiveObject } from '../kube/live-object.ts';
import { resourceText } from '../kube/resource.ts';
import type { ResourceKind } from '../kube/resource.ts';
import { ownLabels } from '../manifests/manifest.ts';

/** Who else needs a chart: objects of these kinds that are not this lab's. */
const USERS: Readonly<Record<string, { kind: ResourceKind; uses: (object: LiveObject) => boolean }>> = {
  'postgres-operator': { kind: 'postgresql', uses: () => true },
  'postgres-operator-ui': { kind: 'postgresql', uses: () => true },
  metallb: { kind: 'IPAddressPool', uses: () => true },
  'csi-driver-smb': { kind: 'PersistentVolume', uses: isProvidedBy('smb.csi.k8s.io') },
  // With it the volumes themselves would go.
  longhorn: { kind: 'PersistentVolume', uses: isProvidedBy('driver.longhorn.io') },
};

function isProvidedBy(driver: string) {
  return (volume: LiveObject) => valueAt(volume, 'spec', 'csi', 'driver') === driver;
}

/** Something of somebody else's that needs this chart, as people name it. */
export async function foreignUse(kube: KubeApi, lab: Lab, chart: LiveObject): Promise<string | undefined> {
  const users = chart.kind === 'HelmChart' ? USERS[chart.metadata.name] : undefined;
  if (users === undefined) return undefined;
  const own = Object.entries(ownLabels(lab));
  const foreign = (await kube.list(users.kind)).find(
    (object) => users.uses(object) && own.some(([key, value]) => object.metadata.labels?.[key] !== value),
  );
  if (foreign === undefined) return undefined;
  const { name, namespace } = foreign.metadata;
  return resourceText({ kind: users.kind, namespace, name });
}
