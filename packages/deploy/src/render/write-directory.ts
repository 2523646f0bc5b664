import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DeployError } from '../errors/deploy-error.ts';
import { writeWhole } from '../files/write-whole.ts';
import { HEADER } from './yaml.ts';

const OURS = /^(?:[0-9]{2}-[-a-z]+\.yaml|images\.txt)$/;
/** Left by a rendering that was killed. */
const LEFTOVER = /^(?:[0-9]{2}-[-a-z]+\.yaml|images\.txt)\.[-0-9a-f]{36}\.partial$/;

/**
 * Makes a directory hold these files and no others of ours. One that holds anything else is refused before anything is
 * written: it is probably the wrong one. Each file is whole at every moment.
 *
 * @throws DeployError
 */
export async function writeDirectory(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  const present = await entries(directory);
  const strangers: string[] = [];
  for (const name of present) if (!(await isOurs(directory, name))) strangers.push(name);
  if (strangers.length > 0) throw new DeployError({ code: 'directory-in-use', directory, strangers });
  for (const name of present) if (!files.has(name)) await rm(join(directory, name));
  for (const [name, content] of files) await writeWhole(join(directory, name), content);
}

async function entries(directory: string): Promise<string[]> {
  try {
    await mkdir(directory, { recursive: true });
    return (await readdir(directory)).toSorted();
  } catch (error) {
    throw DeployError.of('cannot-write', directory, error);
  }
}

async function isOurs(directory: string, name: string): Promise<boolean> {
  if (LEFTOVER.test(name)) return true;
  if (!OURS.test(name)) return false;
  const content = await readFile(join(directory, name), 'utf8').catch(() => '');
  return content.startsWith(HEADER);
}
