import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { schemaGrantSql, schemaSql } from '@schooldb/client';
import { examineLab } from '../config/examine.ts';
import type { Examined } from '../config/examine.ts';
import type { Lab } from '../config/lab.ts';
import { chartReleases } from '../manifests/charts.ts';
import type { ManifestStep } from '../manifests/manifest.ts';
import { chartFileName } from '../manifests/pins.ts';
import { manifestSteps } from '../manifests/steps.ts';
import { DeployError } from '../errors/deploy-error.ts';

/** The lab of the school; it lies beside the package's code, whether that is built or not. */
export const SHIPPED_LAB = fileURLToPath(new URL('../../lab.yaml', import.meta.url));

/** @throws DeployError where there is no such file. */
export async function readLab(path: string): Promise<Examined> {
  return examineLab(await readText(path), await readText(SHIPPED_LAB));
}

/**
 * Everything that a lab is made of.
 *
 * @param path - of the lab: its directory of charts is seen from there.
 * @throws DeployError that names the charts that are missing.
 */
export async function labSteps(lab: Lab, path: string): Promise<ManifestStep[]> {
  const helperSql = `${schemaSql()}\n${schemaGrantSql(lab.cluster.user)}\n`;
  return manifestSteps(lab, { helperSql, chartFiles: await readCharts(lab, path) });
}

/** The charts' files, where the lab has them in a directory. */
async function readCharts(lab: Lab, labPath: string): Promise<ReadonlyMap<string, Uint8Array>> {
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
