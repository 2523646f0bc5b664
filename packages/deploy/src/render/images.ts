import type { Lab } from '../config/lab.ts';
import { chartReleases } from '../manifests/charts.ts';
import { CHART_IMAGES, POOLER_IMAGE, SPILO_IMAGE } from '../manifests/pins.ts';
import { HEADER } from './yaml.ts';

/**
 * The images that a lab runs, one to a line, for whoever has to bring them to nodes without internet. Longhorn's are named by
 * its own release.
 */
export function imagesFile(lab: Lab): string {
  const charts = chartReleases(lab).map(({ name }) => name);
  const images = [SPILO_IMAGE, POOLER_IMAGE, ...charts.flatMap((name) => CHART_IMAGES[name] ?? [])];
  const unlisted = charts.filter((name) => CHART_IMAGES[name] === undefined);
  const remarks = unlisted.map((name) => `# ${name}: see the list of images of its release.`);
  return [HEADER, '# Images, besides those of K3s itself.', ...remarks, ...images, ''].join('\n');
}
