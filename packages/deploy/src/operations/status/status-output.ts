import { say } from '../../cli/cluster-texts.ts';
import { columns } from '../../cli/columns.ts';
import type { Language } from '../../config/language.ts';
import { memoryText } from '../../config/quantity.ts';
import type { Member } from '../members.ts';
import type { NodeCapacity } from '../node-capacity.ts';
import { checkJson } from '../verify/verify-output.ts';
import { VERIFY_TEXTS } from '../verify/texts.ts';
import { STATUS_TEXTS } from './status-texts.ts';
import type { Address, ClusterState, Warning } from './status.ts';

export function statusLines(state: ClusterState, language: Language): string[] {
  const texts = STATUS_TEXTS[language];
  const { headings } = texts;
  const { endpoints } = VERIFY_TEXTS[language];
  const section = (heading: string, rows: readonly (readonly string[])[]) => [
    heading,
    ...(rows.length === 0 ? [texts.none] : columns(rows)).map((line) => `  ${line}`),
  ];
  const { ready, wanted } = state.instances;
  return [
    texts.cluster(state.name, state.status, ready, wanted),
    ...section(
      headings.members,
      state.members.map((each) => memberCells(each, language)),
    ),
    ...section(
      headings.poolers,
      state.poolers.map((each) => [each.name, texts.pods(each.ready, each.wanted)]),
    ),
    ...section(
      headings.addresses,
      state.addresses.map((each) => [endpoints[each.endpoint], ...addressCells(each, language)]),
    ),
    ...section(
      headings.volumes,
      state.volumes.map(({ claim, phase, size, storageClass }) => [claim, phase, size, storageClass]),
    ),
    ...section(
      headings.nodes,
      state.nodes.map((each) => nodeCells(each, language)),
    ),
    ...section(
      headings.warnings,
      state.warnings.map((each) => [warningText(each, language)]),
    ),
  ];
}

/** For programs: what was read, and the warnings by code and in words. */
export function statusJson(state: ClusterState, language: Language): Record<string, unknown> {
  const warnings = state.warnings.map((each) =>
    each.is === 'check'
      ? checkJson(each.found, VERIFY_TEXTS[language])
      : { code: each.is, text: warningText(each, language) },
  );
  return { ...state, warnings };
}

function memberCells(
  { pod, node, role, isReady, state, timeline, lagBytes, isSynchronous }: Member,
  language: Language,
) {
  const texts = STATUS_TEXTS[language];
  return [
    pod,
    texts.roles[role],
    isReady ? texts.ready : texts.notReady,
    state ?? '-',
    texts.timeline(timeline),
    lagBytes === undefined ? '-' : texts.lag(lagBytes < 1024 ? `${lagBytes} B` : memoryText(lagBytes)),
    isSynchronous ? texts.confirms : '',
    node ?? '-',
  ];
}

function addressCells({ service, pinned, assigned }: Address, language: Language): string[] {
  return [assigned ?? '-', service, assigned === pinned ? '' : STATUS_TEXTS[language].pinned(pinned)];
}

function nodeCells(
  { node, isReady, isOpen, allocatable, requested, free }: NodeCapacity,
  language: Language,
) {
  const texts = STATUS_TEXTS[language];
  const cpu = (value: number) => `${Math.round(value * 1_000)}m`;
  return [
    node,
    !isReady ? texts.notReady : isOpen ? texts.ready : texts.closed,
    texts.requested('cpu', cpu(requested.cpu), cpu(allocatable.cpu), cpu(free.cpu)),
    texts.requested(
      'memory',
      memoryText(requested.memory),
      memoryText(allocatable.memory),
      memoryText(free.memory),
    ),
  ];
}

function warningText(warning: Warning, language: Language): string {
  if (warning.is !== 'check') return say(STATUS_TEXTS[language].warnings, 'is', warning);
  const { text, remedy } = checkJson(warning.found, VERIFY_TEXTS[language]);
  return `${String(text)}. ${String(remedy)}`;
}
