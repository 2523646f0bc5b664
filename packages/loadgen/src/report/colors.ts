import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colours for a stream: only on a terminal, and never against `NO_COLOR` (no-color.org). */
export function colorsFor(stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): Colors {
  const wanted = stream.isTTY === true && environment['TERM'] !== 'dumb' && !environment['NO_COLOR'];
  return picocolors.createColors(wanted);
}
