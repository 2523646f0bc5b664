/**
 * What a text asks a server to do. The client's own texts are known by the constants and functions that make them, so
 * that a change there is a change here; the app's are the few that the operations use.
 */
import {
  ASK_ACTIVE,
  ASK_REPLAYED,
  ASK_REPLAYED_AND_LINEAGE,
  ASK_STANDBY,
  BEGIN_READ_BY_READ,
  END_GHOST,
  HEARTBEAT,
  IDENTIFY,
  LOCK,
  MARK,
  POSITION_FLUSHED,
  POSITION_INSERTED,
  PROBE,
  RESET_LOCK_TIMEOUT,
  TRY_LOCK,
  UNLOCK,
  guardText,
  hygieneTexts,
  listenText,
  markAndCommitText,
  settleText,
  unlistenText,
} from '../../../src/wire/sql.ts';
import type { Statement } from '../../../src/wire/wire.ts';
import { XID_TEXTS } from './xid-texts.ts';

export type Command =
  | { readonly kind: 'begin'; readonly readOnly?: true }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'identify' }
  | { readonly kind: 'askStandby' }
  | { readonly kind: 'askActive'; readonly processIds: readonly number[] }
  | { readonly kind: 'probe' }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'position'; readonly of: 'flushed' | 'inserted' }
  | { readonly kind: 'replayed'; readonly lineage: boolean }
  | { readonly kind: 'set'; readonly name: string; readonly value: string }
  | { readonly kind: 'reset'; readonly name: string }
  | { readonly kind: 'lock' | 'try-lock' | 'unlock'; readonly lock: string }
  | { readonly kind: 'listen' | 'unlisten'; readonly channel: string }
  | { readonly kind: 'notify'; readonly channel: string; readonly payload: string }
  /** Questions that no sound client asks; see the mutation that trusts their answers. */
  | { readonly kind: 'xid' }
  | { readonly kind: 'xact-status'; readonly xid: number }
  /** The app changes its session. */
  | { readonly kind: 'own'; readonly owner: string }
  /** As `scan`, by a cursor. */
  | { readonly kind: 'stream'; readonly reader: string }
  | { readonly kind: 'guard'; readonly systemId: string; readonly timeline: number }
  | { readonly kind: 'mark'; readonly slot: string; readonly seq: number }
  | { readonly kind: 'settle'; readonly slot: string; readonly seq: number }
  | { readonly kind: 'endGhost'; readonly processId: number; readonly backendStart: string }
  | { readonly kind: 'copy' }
  | { readonly kind: 'insert'; readonly key: string; readonly returning: boolean }
  | { readonly kind: 'put'; readonly key: string }
  | { readonly kind: 'read'; readonly key: string }
  | { readonly kind: 'scan' }
  | { readonly kind: 'count'; readonly id: string }
  | { readonly kind: 'raise'; readonly code: string }
  | { readonly kind: 'sleep'; readonly ms: number };

/** The texts that operations send; real SQL, so that a parser can route it. */
export const APP_TEXTS = {
  insert: 'INSERT INTO ledger (key) VALUES ($1)',
  insertReturning: 'INSERT INTO ledger (key) VALUES ($1) RETURNING key',
  copy: 'COPY ledger (key) FROM STDIN',
  put: 'INSERT INTO ledger (key) VALUES ($1) ON CONFLICT DO NOTHING',
  read: 'SELECT $1::text AS key, count(*)::integer AS n FROM ledger WHERE key = $1',
  /** All rows, each with what wrote it. */
  scan: 'SELECT key, xmin::text AS version FROM ledger',
  /** The same rows for a cursor, and who reads them. */
  stream: 'SELECT key, xmin::text AS version FROM ledger WHERE $1::text IS NOT NULL',
  count: 'UPDATE counter SET n = n + 1 WHERE id = $1',
  notify: 'SELECT pg_notify($1, $2)',
  raise: 'SELECT sim_raise($1)',
  sleep: 'SELECT pg_sleep($1)',
} as const;

/** Leaves a mark in the session: whose it is. */
export function ownText(owner: string): string {
  return `SET sim.owner = '${owner}'`;
}

const SLOT = 'slotslot';
const NAME = 'namename';
const SEQ = 987_654_321;
const SYSTEM = '1234567890';

/** Matches what the function makes, whatever its arguments were. */
function patternOf(text: string, ...sentinels: readonly string[]): RegExp {
  let pattern = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  for (const sentinel of sentinels) pattern = pattern.replace(sentinel, '([^\'",;\\s]+)');
  return new RegExp(`^${pattern}$`);
}

const GUARD = patternOf(guardText(SYSTEM, SEQ), SYSTEM, String(SEQ));
const MARK_ONLY = patternOf(markAndCommitText(SLOT, SEQ).split(';')[0]!, SLOT, String(SEQ));
const SETTLE_ONLY = patternOf(settleText(SLOT, SEQ).split(';')[2]!.trim(), SLOT, String(SEQ));
const LISTEN = patternOf(listenText(NAME), NAME);
const UNLISTEN = patternOf(unlistenText(NAME), NAME);
const OWN = patternOf(ownText(NAME), NAME);
const SET = /^SET (?:LOCAL )?(\w+) = '?(\w+)'?$/;
const HYGIENE = new Set(hygieneTexts(SEQ).map((text) => SET.exec(text)?.[1]));

const FIXED = new Map<string, Command>([
  ['BEGIN', { kind: 'begin' }],
  ['COMMIT', { kind: 'commit' }],
  ['ROLLBACK', { kind: 'rollback' }],
  [IDENTIFY, { kind: 'identify' }],
  [ASK_STANDBY, { kind: 'askStandby' }],
  [PROBE, { kind: 'probe' }],
  [XID_TEXTS.xid, { kind: 'xid' }],
  [HEARTBEAT, { kind: 'heartbeat' }],
  [RESET_LOCK_TIMEOUT, { kind: 'reset', name: 'lock_timeout' }],
  ['BEGIN READ ONLY', { kind: 'begin', readOnly: true }],
  [BEGIN_READ_BY_READ, { kind: 'begin', readOnly: true }],
  [POSITION_FLUSHED, { kind: 'position', of: 'flushed' }],
  [POSITION_INSERTED, { kind: 'position', of: 'inserted' }],
  [ASK_REPLAYED, { kind: 'replayed', lineage: false }],
  [ASK_REPLAYED_AND_LINEAGE, { kind: 'replayed', lineage: true }],
]);

/** @throws Error for a text that the model does not know: it must be taught, or it would answer nonsense. */
export function parse({ text, values = [] }: Statement): Command {
  const fixed = FIXED.get(text);
  if (fixed !== undefined) return fixed;
  const first = String(values[0]);
  if (text === APP_TEXTS.insert) return { kind: 'insert', key: first, returning: false };
  if (text === APP_TEXTS.insertReturning) return { kind: 'insert', key: first, returning: true };
  if (text === APP_TEXTS.copy) return { kind: 'copy' };
  if (text === APP_TEXTS.put) return { kind: 'put', key: first };
  if (text === APP_TEXTS.read) return { kind: 'read', key: first };
  if (text === APP_TEXTS.scan) return { kind: 'scan' };
  if (text === APP_TEXTS.stream) return { kind: 'stream', reader: first };
  if (text === APP_TEXTS.count) return { kind: 'count', id: first };
  if (text === APP_TEXTS.notify) return { kind: 'notify', channel: first, payload: String(values[1]) };
  if (text === APP_TEXTS.raise) return { kind: 'raise', code: first };
  if (text === APP_TEXTS.sleep) return { kind: 'sleep', ms: Number(first) };
  if (text === MARK) return { kind: 'mark', slot: first, seq: Number(values[1]) };
  if (text === XID_TEXTS.status) return { kind: 'xact-status', xid: Number(first) };
  if (text === LOCK) return { kind: 'lock', lock: first };
  if (text === TRY_LOCK) return { kind: 'try-lock', lock: first };
  if (text === UNLOCK) return { kind: 'unlock', lock: first };
  if (text === ASK_ACTIVE) return { kind: 'askActive', processIds: values[0] as number[] };
  if (text === END_GHOST)
    return { kind: 'endGhost', processId: Number(first), backendStart: String(values[1]) };
  return parsePattern(text);
}

function parsePattern(text: string): Command {
  const mark = MARK_ONLY.exec(text);
  if (mark !== null) return { kind: 'mark', slot: mark[1]!, seq: Number(mark[2]) };
  const settle = SETTLE_ONLY.exec(text);
  if (settle !== null) return { kind: 'settle', slot: settle[1]!, seq: Number(settle[2]) };
  const listen = LISTEN.exec(text);
  if (listen !== null) return { kind: 'listen', channel: listen[1]! };
  const unlisten = UNLISTEN.exec(text);
  if (unlisten !== null) return { kind: 'unlisten', channel: unlisten[1]! };
  const own = OWN.exec(text);
  if (own !== null) return { kind: 'own', owner: own[1]! };
  const set = SET.exec(text);
  if (set !== null) return { kind: 'set', name: set[1]!, value: set[2]! };
  const guard = GUARD.exec(text);
  if (guard !== null) return { kind: 'guard', systemId: guard[1]!, timeline: Number(guard[2]) };
  throw new Error(`the simulated server does not know this text: ${text}`);
}

const scripts = new Map<string, readonly Command[]>();

/** The statements of one simple message. */
export function parseScript(text: string): readonly Command[] {
  const known = scripts.get(text);
  if (known !== undefined) return known;
  const commands = text.split(';').map((part) => parse({ text: part.trim() }));
  if (commands.length === 1) scripts.set(text, commands);
  return commands;
}

/** Which of them the client may send to whomever it likes: they ask, they change nothing, or they only undo. */
export function isExempt(command: Command): boolean {
  const { kind } = command;
  return (
    kind === 'identify' ||
    kind === 'askStandby' ||
    kind === 'askActive' ||
    kind === 'probe' ||
    kind === 'heartbeat' ||
    isQuestion(command) ||
    kind === 'guard' ||
    kind === 'rollback' ||
    kind === 'endGhost' ||
    (kind === 'set' && (HYGIENE.has(command.name) || command.name === 'synchronous_commit'))
  );
}

/** Whether the client only asks where a server stands. */
export function isQuestion({ kind }: Command): boolean {
  return kind === 'position' || kind === 'replayed';
}

/** The key that an app's statement writes. */
export function keyWritten(command: Command): string | undefined {
  return command.kind === 'insert' || command.kind === 'put' ? command.key : undefined;
}

/** A short name for histories. */
export function nameOf(command: Command): string {
  if ('key' in command) return `${command.kind} ${command.key}`;
  if ('slot' in command) return `${command.kind} ${command.slot.slice(0, 4)}/${command.seq}`;
  if ('lock' in command) return `${command.kind} ${command.lock}`;
  if ('channel' in command) return `${command.kind} ${command.channel}`;
  if (command.kind === 'own') return `own ${command.owner}`;
  if (command.kind === 'stream') return `stream of ${command.reader}`;
  if (command.kind === 'position') return `position ${command.of}`;
  if (command.kind === 'replayed') return command.lineage ? 'replayed, lineage' : 'replayed';
  if (command.kind === 'count') return `count ${command.id}`;
  if (command.kind === 'raise') return `raise ${command.code}`;
  if (command.kind === 'sleep') return `sleep ${command.ms}`;
  if (command.kind === 'set') return `set ${command.name}`;
  return command.kind === 'guard' ? `guard >= ${command.timeline}` : command.kind;
}
