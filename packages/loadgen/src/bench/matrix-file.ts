import { readFile, writeFile } from 'node:fs/promises';
import { UsageError } from '../options/usage-error.ts';
import type { EngineName } from '../options/engine.ts';

/** What stands between these lines belongs to the matrix of an engine, and is replaced. */
export function marksOf(engine: EngineName): { begin: string; end: string } {
  return {
    begin: `<!-- fault matrix: ${engine}: pnpm bench faults --engine ${engine} --write FILE -->`,
    end: `<!-- end of the fault matrix: ${engine} -->`,
  };
}

/** The text with the engine's matrix replaced. @throws UsageError where the marks are missing. */
export function withMatrix(text: string, path: string, engine: EngineName, lines: readonly string[]): string {
  const { begin, end } = marksOf(engine);
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from)
    throw new UsageError(`--write: ${path} does not hold the lines '${begin}' and '${end}'`);
  return `${text.slice(0, from + begin.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`;
}

/** Fails before hours of work where the file cannot take the matrix. @throws UsageError */
export async function checkMatrixFile(path: string, engines: readonly EngineName[]): Promise<void> {
  const text = await read(path);
  for (const engine of engines) withMatrix(text, path, engine, []);
}

export async function writeMatrix(path: string, engine: EngineName, lines: readonly string[]): Promise<void> {
  await writeFile(path, withMatrix(await read(path), path, engine, lines));
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--write: ${path} cannot be read: ${(error as Error).message}`);
  }
}
