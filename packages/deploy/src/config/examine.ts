import { checkCapacity } from './checks/capacity.ts';
import { checkCluster } from './checks/cluster.ts';
import { checkAddons, checkHosts } from './checks/hosts.ts';
import { checkNetwork } from './checks/network.ts';
import { parseLabDocument } from './document.ts';
import type { Lab } from './lab.ts';
import type { Problem } from './problem.ts';
import { checkShape } from './shape.ts';

export type Examined =
  { readonly ok: true; readonly lab: Lab } | { readonly ok: false; readonly problems: readonly Problem[] };

const CHECKS = [checkHosts, checkNetwork, checkCluster, checkCapacity, checkAddons];

/**
 * Reads a lab, and finds everything that is wrong with it: single values, and values that do not go together, as far as
 * these can be read. Pure; problems are in the order of the file.
 *
 * @param shipped - the text of the lab.yaml that comes with this package: what stands there is offered for what is missing.
 */
export function examineLab(text: string, shipped = ''): Examined {
  const document = parseLabDocument(text);
  if (document.value === undefined) return { ok: false, problems: document.problems };
  const shape = checkShape(document.value, parseLabDocument(shipped).value);
  const problems = [...shape.problems, ...CHECKS.flatMap((check) => check(shape.draft))];
  const placed = problems.map((found): Problem => {
    const line = document.lineOf(found.path);
    return line === undefined ? found : { ...found, line };
  });
  const all = [...document.problems, ...placed];
  if (shape.lab !== undefined && all.length === 0) return { ok: true, lab: shape.lab };
  return { ok: false, problems: all.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}
