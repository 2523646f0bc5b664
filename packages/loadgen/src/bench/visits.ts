import type { ServerLog } from './server-log.ts';

/** What a client does within this time counts as one visit: a login is several statements. */
const ONE_VISIT_MS = 500;

/** How often an application called at a server between two moments: a new connection, a statement, or several at once. */
export function visitsOf(
  { connections, statements }: Pick<ServerLog, 'connections' | 'statements'>,
  application: string,
  from: number,
  to: number,
): number {
  const calls = [
    ...connections.map(({ application, authorizedAt }) => ({ application, at: authorizedAt })),
    ...statements,
  ]
    .filter((call) => call.application === application && call.at >= from && call.at < to)
    .map(({ at }) => at)
    .sort((a, b) => a - b);
  let visits = 0;
  let visitFrom = -Infinity;
  for (const at of calls) {
    if (at - visitFrom < ONE_VISIT_MS) continue;
    visits++;
    visitFrom = at;
  }
  return visits;
}
