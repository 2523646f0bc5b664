/** What a command in a pod did. */
export interface CommandResult {
  readonly stdout?: string;
  readonly stderr?: string;
  /** @defaultValue 0 */
  readonly exitCode?: number;
}

/** A command to run in a pod, as `exec` sends it. */
export interface PodCommand {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string | undefined;
  readonly command: readonly string[];
  /** All that the client wrote; empty if it attached no input. */
  readonly stdin: string;
}

/** What runs inside of pods, as far as a test needs it. */
export class PodPrograms {
  /** What pods have written, by `NAMESPACE/POD`. */
  readonly logs = new Map<string, string>();
  /** Where a forwarded port of a pod leads, by `NAMESPACE/POD:PORT`: a port on this machine. */
  readonly ports = new Map<string, number>();
  /** What the user may not do. */
  readonly forbidden = new Set<'exec' | 'portforward'>();
  /** Runs commands. Without one, every command fails as one that is not found. */
  run: (command: PodCommand) => CommandResult | Promise<CommandResult> = ({ command }) => ({
    stderr: `exec: ${JSON.stringify(command[0] ?? '')}: executable file not found in $PATH\n`,
    exitCode: 126,
  });
}
