/** What happens in the pods of the operated lab, done to the servers that stand behind it. */
import type { CommandResult, PodCommand } from '@schooldb/fake-kube-api';
import { NAME } from './operated-lab.ts';
import type { OperatedLab } from './operated-lab.ts';

/** `pg1` runs in the pod `…-0`. */
export function podOf(server: string): string {
  return `${NAME}-${Number(server.slice(2)) - 1}`;
}

/** The other way round. */
export function serverOf(pod: string): string {
  return `pg${Number(pod.slice(NAME.length + 1)) + 1}`;
}

/** The labels say who leads among the servers. */
export async function followPrimary({ server, database }: OperatedLab): Promise<void> {
  const { primary } = await database.status();
  if (primary !== null) server.lab.patroni.leaders.set(NAME, podOf(primary));
  server.lab.start('postgres-operator');
}

/** Patroni's REST interface as curl shows it, for switchovers. */
export function patroniIn(lab: OperatedLab, seen: PodCommand[] = []) {
  return async (command: PodCommand): Promise<CommandResult> => {
    seen.push(command);
    const [program] = command.command;
    if (program !== 'curl' || command.command.at(-1) !== 'http://localhost:8008/switchover')
      return { stderr: `bash: ${program ?? ''}: command not found\n`, exitCode: 127 };
    const { leader } = JSON.parse(command.command.at(-2) ?? '') as { leader: string };
    const { primary } = await lab.database.status();
    if (primary === null || podOf(primary) !== leader) return { stdout: 'leader name does not match\n412' };
    await lab.database.fault('switchover');
    await followPrimary(lab);
    return { stdout: 'Successfully switched over\n200' };
  };
}

/** A pod of the primary that is deleted takes its server with it, and its standby's promotion moves the label. */
export function killWithPods(lab: OperatedLab): () => void {
  const { server, database } = lab;
  const stopListening = database.on(({ type }) => {
    if (type === 'primary:promoted') void followPrimary(lab);
  });
  const stopWatching = server.api.store.onChange(({ type, resource, object }) => {
    const { name, labels } = object.metadata;
    if (type !== 'DELETED' || resource !== '/pods' || !name?.startsWith(`${NAME}-`)) return;
    if (labels?.['spilo-role'] !== 'master') return;
    server.lab.patroni.leaders.set(NAME, null);
    void database.fault('kill-primary');
  });
  return () => {
    stopListening();
    stopWatching();
  };
}
