import { ClusterError } from '../errors.ts';
import { checkFault, OPTION_RULES, UNDERSTOOD } from './fault-options.ts';
import type { FaultName, FaultOptions } from './fault.ts';

/**
 * Reads a fault as people write it: `kill-primary`, `latency(latencyMs=50ms, endpoint=replica)`,
 * `partition(pg1|pg2,pg3)`, `cut-at-message(message=3; direction=downstream)`.
 *
 * @throws ClusterError naming what was given and what is allowed.
 */
export function parseFaultText(text: string): { name: FaultName; options: FaultOptions } {
  const [, name, inside] = /^\s*([^\s()]+)\s*(?:\((.*)\))?\s*$/s.exec(text) ?? [];
  if (name === undefined) {
    throw new ClusterError(
      'bad-option',
      `fault ${JSON.stringify(text)}: not a fault (allowed: a name, and options in parentheses: latency(latencyMs=50))`,
    );
  }
  const { name: known } = checkFault(name, {});
  return checkFault(known, parseOptions(known, inside?.trim() ?? ''));
}

/** The same fault as text, which `parseFaultText` reads back. */
export function faultText({ name, options }: { name: FaultName; options: FaultOptions }): string {
  const { groups, ...rest } = options;
  const parts = Object.entries(rest).map(([key, value]) => `${key}=${value}`);
  if (groups !== undefined) parts.unshift(groups.map((group) => group.join(',')).join('|'));
  return parts.length === 0 ? name : `${name}(${parts.join(', ')})`;
}

/** The options alone, as they were given: `latencyMs=50, endpoint=replica`. */
export function optionsText(name: FaultName, options: FaultOptions): string {
  return faultText({ name, options })
    .slice(name.length)
    .replace(/^\((.*)\)$/s, '$1');
}

function parseOptions(fault: FaultName, text: string): FaultOptions {
  if (text === '') return {};
  // The groups of a partition hold commas of their own.
  if (UNDERSTOOD[fault].includes('groups'))
    return { groups: OPTION_RULES.groups.parse(text) } as FaultOptions;
  return Object.fromEntries(
    text.split(/[,;]/).map((part) => {
      const [, key, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
      if (key === undefined || value === undefined) {
        const example = UNDERSTOOD[fault].map((option) => `${option}=…`).join(', ') || 'no options';
        throw new ClusterError(
          'bad-option',
          `fault ${fault}: ${JSON.stringify(part.trim())} is not option=value (allowed: ${example})`,
        );
      }
      const rule = OPTION_RULES[key as keyof FaultOptions] as
        (typeof OPTION_RULES)[keyof FaultOptions] | undefined;
      return [key, rule === undefined ? value : rule.parse(value)];
    }),
  ) as FaultOptions;
}
