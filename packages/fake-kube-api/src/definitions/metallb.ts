import { definition } from './definition.ts';
import { bigInt, fields, flag, int, list, selector, text } from '../schema/words.ts';

const group = 'metallb.io';
const version = 'v1beta1';

/** The two kinds of MetalLB that layer 2 needs. */
export const METALLB_DEFINITIONS = [
  definition(
    { group, version, kind: 'IPAddressPool', plural: 'ipaddresspools' },
    fields(
      {
        spec: fields(
          {
            addresses: list(text),
            autoAssign: { ...flag, default: true },
            avoidBuggyIPs: { ...flag, default: false },
            serviceAllocation: fields({
              priority: int,
              namespaces: list(text),
              namespaceSelectors: list(selector),
              serviceSelectors: list(selector),
            }),
          },
          ['addresses'],
        ),
        status: fields(
          { assignedIPv4: bigInt, assignedIPv6: bigInt, availableIPv4: bigInt, availableIPv6: bigInt },
          ['assignedIPv4', 'assignedIPv6', 'availableIPv4', 'availableIPv6'],
        ),
      },
      ['spec'],
    ),
  ),
  definition(
    { group, version, kind: 'L2Advertisement', plural: 'l2advertisements' },
    fields({
      spec: fields({
        interfaces: list(text),
        ipAddressPools: list(text),
        ipAddressPoolSelectors: list(selector),
        nodeSelectors: list(selector),
        serviceSelectors: list(selector),
      }),
      status: { type: 'object' },
    }),
  ),
];
