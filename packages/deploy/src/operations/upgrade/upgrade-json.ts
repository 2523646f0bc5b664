import type { PartState } from './upgrade.ts';

interface Upgraded {
  readonly context: string;
  readonly server: string;
  /** As they were found. */
  readonly states: readonly PartState[];
  readonly durationMs: number;
}

/** What an upgrade came to, for programs; only of one that has come to its end. */
export function upgradeJson({ context, server, states, durationMs }: Upgraded): string {
  const parts = states.map((state) => ({
    part: state.part,
    ...versionsOf(state),
    upgraded: state.is === 'changing',
    awaited: state.is === 'changing' || state.is === 'unfinished',
  }));
  const report = { version: 1, context, server, durationMs: Math.round(durationMs), parts };
  return JSON.stringify(report, undefined, 2);
}

/** `from` is null where nothing was, or nobody can tell; `to` where nothing is. */
function versionsOf(state: PartState): { readonly from: string | null; readonly to: string | null } {
  if (state.is === 'absent') return { from: null, to: null };
  if (state.is === 'changing') return { from: state.change.from ?? null, to: state.change.to };
  return { from: state.version, to: state.version };
}
