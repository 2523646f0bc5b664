/**
 * Patroni's REST interface, from inside of a pod: no network policy lets anybody else reach it (Patroni manual, "Patroni
 * REST API", switchover). patronictl does the same, with options that have changed their names over the versions.
 */
import { DeployError } from '../../errors/deploy-error.ts';
import type { PodChannels, PodName } from '../../kube/pod-channels.ts';

const CONTAINER = 'postgres';
/** Patroni answers once another member leads, which it waits for itself. */
const LIMIT_SECONDS = 120;

/**
 * @param candidate - who is to lead; Patroni chooses without it.
 * @returns what Patroni says.
 * @throws DeployError where it refuses, or the pod takes no command.
 */
export async function requestSwitchover(
  pods: PodChannels,
  leader: PodName,
  candidate: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const body = JSON.stringify({ leader: leader.pod, ...(candidate === undefined ? {} : { candidate }) });
  const { exitCode, stdout, stderr } = await pods.exec(
    leader,
    CONTAINER,
    {
      command: [
        'curl',
        '--silent',
        '--show-error',
        '--max-time',
        String(LIMIT_SECONDS),
        '--write-out',
        '\n%{http_code}',
        '--header',
        'Content-Type: application/json',
        '--data',
        body,
        'http://localhost:8008/switchover',
      ],
    },
    signal,
  );
  const lines = stdout.trimEnd().split('\n');
  const status = Number(lines.pop());
  const said = lines.join('\n').trim();
  if (exitCode === 0 && status === 200) return said;
  const reason = exitCode === 0 ? `${status}: ${said}` : `curl ${exitCode}: ${stderr.trim()}`;
  throw new DeployError({ code: 'switchover-refused', pod: leader.pod, reason });
}
