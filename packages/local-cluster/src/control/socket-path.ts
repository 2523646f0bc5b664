import { join } from 'node:path';
import { ClusterError } from '../errors.ts';

/** sun_path without its terminating zero. */
const LONGEST_BYTES = process.platform === 'linux' ? 107 : 103;

/** Where a cluster's control socket lies, in its own directory. */
export function controlSocketIn(directory: string): string {
  const path = join(directory, 'control');
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST_BYTES) return path;
  throw new ClusterError(
    'environment',
    `the path of a Unix socket may have ${LONGEST_BYTES} bytes, ${path} has ${bytes}: choose a shorter dataDirectory`,
  );
}
