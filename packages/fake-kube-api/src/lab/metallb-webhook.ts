import type { Admission, AdmissionRequest } from '../api/ground.ts';
import type { Api } from '../api/api.ts';
import { webhookRefused } from '../faults/fault-error.ts';
import { ApiError } from '../objects/api-error.ts';
import { at, textAt } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import { overlaps, parseRange, type AddressRange } from './address-range.ts';
import type { LabFaults } from './lab-faults.ts';

const CONFIGURATIONS = 'admissionregistration.k8s.io/validatingwebhookconfigurations';

/**
 * MetalLB's validating webhook: registered by its chart, answered by its controller. Between the two, and while the
 * controller is down, every write of its kinds fails.
 */
export function metallbWebhook(api: Api, faults: LabFaults, isUp: () => boolean): Admission {
  return (request) => {
    const kind = request.type.kind.toLowerCase();
    if (request.type.group !== 'metallb.io' || request.operation === 'DELETE') return;
    if (kind !== 'ipaddresspool' && kind !== 'l2advertisement') return;
    const configuration = api.store.get(CONFIGURATIONS, '', 'metallb-webhook-configuration');
    if (configuration === undefined) return;
    const webhook = `${kind}validationwebhook.metallb.io`;
    const namespace =
      textAt(configuration, 'webhooks', 0, 'clientConfig', 'service', 'namespace') ?? 'metallb-system';
    if (!isUp() || faults.webhookRefusals > 0) {
      faults.webhookRefusals = Math.max(0, faults.webhookRefusals - 1);
      throw webhookRefused(
        webhook,
        `https://metallb-webhook-service.${namespace}.svc:443/validate-metallb-io-v1beta1-${kind}?timeout=10s`,
      );
    }
    const why = kind === 'ipaddresspool' ? poolProblem(api, request) : undefined;
    if (why !== undefined)
      throw new ApiError(
        403,
        'Forbidden',
        `admission webhook ${JSON.stringify(webhook)} denied the request: ${why}`,
      );
  };
}

export function rangesOf(pool: KubeObject): AddressRange[] {
  return ((at(pool, 'spec', 'addresses') as string[] | undefined) ?? []).map(parseRange);
}

function poolProblem(api: Api, { object }: AdmissionRequest): string | undefined {
  const name = nameOf(object);
  let ranges: AddressRange[];
  try {
    ranges = rangesOf(object);
  } catch (error) {
    return `parsing address pool ${name}: ${(error as Error).message}`;
  }
  for (const other of api.store.list('metallb.io/ipaddresspools')) {
    if (nameOf(other) === name && other.metadata.namespace === object.metadata.namespace) continue;
    for (const theirs of rangesOf(other)) {
      const mine = ranges.find((range) => overlaps(range, theirs));
      if (mine !== undefined)
        return `CIDR ${JSON.stringify(mine.text)} in pool ${JSON.stringify(name)} overlaps with already defined CIDR ${JSON.stringify(theirs.text)}`;
    }
  }
  return undefined;
}
