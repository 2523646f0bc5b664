/**
 * The supervisor's process: takes its assignment from its parent, and works until the cluster is
 * stopped. The parent's channel is its lifeline until the parent is connected to the control socket.
 */
import type { Assignment } from '../control/messages.ts';
import { Supervisor } from './supervisor.ts';

let supervisor: Supervisor | undefined;

// A terminal's Ctrl-C is for the owner, who then stops us in order; who ends the supervisor itself
// wants the cluster ended.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGTERM', () => void supervisor?.stop());

process.on('disconnect', () => supervisor?.parentGone());

process.once('message', (assignment: Assignment) => {
  supervisor = new Supervisor(assignment);
  void supervisor.run(() => process.send?.('listening'));
});
