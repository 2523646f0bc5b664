import type { End } from '../end.ts';

export type Turn<Side extends string> = { side: Side } & (
  { did: 'speak'; bytes: Buffer } | { did: 'end' } | { did: 'reset' }
);

/** What happens first on any of some streams; all of them are paused again then, and nothing of them is lost. */
export function nextTurn<Side extends string>(ends: Readonly<Record<Side, End>>): Promise<Turn<Side>> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const take = (turn: Turn<Side>) => {
      for (const stop of stops) stop();
      resolve(turn);
    };
    for (const [side, end] of Object.entries(ends) as [Side, End][]) stops.push(listen(side, end, take));
  });
}

function listen<Side extends string>(side: Side, end: End, take: (turn: Turn<Side>) => void): () => void {
  const { stream } = end;
  const speak = (bytes: Buffer) => take({ side, did: 'speak', bytes });
  const finish = () => take({ side, did: end.wasReset() ? 'reset' : 'end' });
  const breakOff = () => take({ side, did: 'reset' });
  stream.once('data', speak).once('end', finish).once('error', breakOff).once('close', breakOff);
  stream.resume();
  return () => {
    stream.off('data', speak).off('end', finish).off('error', breakOff).off('close', breakOff);
    stream.pause();
  };
}
