/** What has a version of its own, as its makers write it. */
const NAMES: Readonly<Record<string, string>> = {
  metallb: 'MetalLB',
  longhorn: 'Longhorn',
  postgresql: 'PostgreSQL',
};

/** @param part - the name of a chart, or `postgresql`. */
export function partName(part: string): string {
  return NAMES[part] ?? part;
}
