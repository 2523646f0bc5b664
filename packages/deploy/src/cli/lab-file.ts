import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { examineLab } from '../config/examine.ts';
import type { Examined } from '../config/examine.ts';
import type { Lab } from '../config/lab.ts';
import { chartReleases } from '../manifests/charts.ts';
import { chartFileName } from '../manifests/pins.ts';
import { DeployError } from '../errors/deploy-error.ts';

/** The lab of the school; it lies beside the package's code, whether that is built or not. */
export const SHIPPED_LAB = fileURLToPath(new URL('../../lab.yaml', import.meta.url));

/** @throws DeployError where there is no such file. */
export async function readLab(path: string): Promise<Examined> {
  return examineLab(await readText(path), await readText(SHIPPED_LAB));
}

/**
 * The charts' files, where the lab has them in a directory.
 *
 * @throws DeployError that names all that are missing.
 */
export async function readCharts(lab: Lab, labPath: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const { source, directory: given } = lab.charts;
  if (source === 'repository' || given === undefined) return files;
  const directory = resolve(dirname(labPath), given);
  const missing: string[] = [];
  for (const { name } of chartReleases(lab)) {
    const file = chartFileName(name);
    const content = await readFile(join(directory, file)).catch(() => undefined);
    if (content === undefined) missing.push(file);
    else files.set(file, content);
  }
  if (missing.length > 0) throw new DeployError({ code: 'chart-missing', directory, files: missing });
  return files;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw DeployError.of('cannot-read', path, error);
  }
}
