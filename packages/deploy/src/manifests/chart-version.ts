import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

const BLOCK_BYTES = 512;
/** Far more than any chart; less than what would hurt. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The version that a packed chart says it has, in its Chart.yaml.
 *
 * @param content - a .tgz in base64, as a HelmChart holds it.
 * @returns undefined where that is no such file.
 */
export function chartVersion(content: string): string | undefined {
  try {
    const tar = gunzipSync(Buffer.from(content, 'base64'), { maxOutputLength: MOST_BYTES });
    for (let at = 0; at + BLOCK_BYTES <= tar.length;) {
      const text = (from: number, to: number) =>
        tar.toString('utf8', at + from, at + to).replace(/[\0 ].*$/s, '');
      // The header of POSIX' ustar: a name of 100 bytes, and at 124 the size as an octal number.
      const size = Number.parseInt(text(124, 136) || '0', 8);
      if (!Number.isInteger(size)) return undefined;
      const start = at + BLOCK_BYTES;
      if (/^[^/]+\/Chart\.yaml$/.test(text(0, 100))) {
        const { version } = parse(tar.toString('utf8', start, start + size)) as { version?: unknown };
        return typeof version === 'string' ? version : undefined;
      }
      at = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    }
  } catch {
    // Not a chart: whoever made the HelmChart may have put anything there.
  }
  return undefined;
}
