import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DeployError } from '../errors/deploy-error.ts';

/** Logs that are kept where nobody has asked for a place of their own. */
const KEPT = 50;
const OURS = /^\d{8}T\d{6}Z-[a-z]+-\d+\.log$/;

/**
 * What a run has said and done, line by line with the time, for whoever asks afterwards. Never read by this program. Each
 * line is with the operating system before the next thing happens: a run that is killed leaves all of them.
 */
export class RunLog {
  readonly path: string;
  readonly #file: number;

  /** @throws DeployError where the file cannot be written. */
  constructor(path: string) {
    this.path = path;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      this.#file = openSync(path, 'a', 0o600);
    } catch (error) {
      throw DeployError.of('cannot-write', path, error);
    }
  }

  /** Several lines get the same time. A disk that is full ends no run. */
  write(text: string): void {
    const time = new Date().toISOString();
    const lines = text.split('\n').map((line) => `${time} ${line}\n`);
    try {
      writeSync(this.#file, lines.join(''));
    } catch {
      // The terminal still tells it.
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/**
 * Where a run's log goes by default: below `XDG_STATE_HOME`, otherwise `~/.local/state`. The oldest are taken away.
 *
 * @returns undefined where the environment names neither.
 */
export function defaultLogPath(command: string, environment: NodeJS.ProcessEnv): string | undefined {
  const { XDG_STATE_HOME: state = '', HOME: home = '' } = environment;
  if (state === '' && home === '') return undefined;
  const directory = join(state === '' ? join(home, '.local', 'state') : state, 'schooldb-deploy');
  prune(directory);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return join(directory, `${time}-${command}-${process.pid}.log`);
}

function prune(directory: string): void {
  try {
    const logs = readdirSync(directory).filter((name) => OURS.test(name));
    for (const name of logs.toSorted().slice(0, -KEPT)) rmSync(join(directory, name), { force: true });
  } catch {
    // There is none yet, or it is not ours to tidy.
  }
}
