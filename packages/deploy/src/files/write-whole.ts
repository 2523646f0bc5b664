import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { DeployError } from '../errors/deploy-error.ts';

/**
 * Writes a file that is whole at every moment: as it was before, or as it is to be.
 *
 * @param mode - who may do what with it; of one that was there before, too.
 * @throws DeployError that names the path.
 */
export async function writeWhole(path: string, content: string, mode = 0o666): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await writeFile(partial, content, { flag: 'wx', mode });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw DeployError.of('cannot-write', path, error);
  }
}
