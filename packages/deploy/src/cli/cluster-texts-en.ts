import type { Obstacle, Wait } from '../errors/deploy-error.ts';
import { say } from './cluster-texts.ts';
import type { By, ClusterTexts } from './cluster-texts.ts';
import { partName } from './part-name.ts';

export const CLUSTER_TEXTS_EN: ClusterTexts = {
  needsYes: () => 'there is no terminal to ask at; look at plan first, then add --yes',
  unknownStep: (given, allowed) => `there is no step '${given}' in this lab; allowed: ${allowed}`,
  unknownObject: (given) => `this lab has no object '${given}'; write it as plan does`,
  cluster: (context, server) => `Cluster: ${context} at ${server}`,
  after: (first) =>
    first.kind === 'webhook' ? 'once its webhook answers' : `after ${first.kind} ${first.name}`,
  adopted: () => 'same values, but others have written them; they become ours as well',
  owned: (manager, fields) => `belongs to ${manager}: ${fields}`,
  leftOut: (definition) => `left out, there is no ${definition}`,
  versionRefused: ({ part, from, to, why }) =>
    why === 'major'
      ? `${partName(part)} ${from} runs; apply and upgrade refuse another major version, ${to}`
      : `${partName(part)} ${from} runs; apply and upgrade refuse to bring it back to ${to}`,
  counts: ({ create, change, conflict, refused, unchanged }) =>
    `${create} to create, ${change} to change, ${conflict} in conflict, ${refused} refused, ${unchanged} unchanged.`,
  nothingToDo: () => 'Nothing to do: the cluster is as the lab.yaml says.',
  question: (count) => `Change ${count} ${count === 1 ? 'object' : 'objects'} in this cluster? [y/N] `,
  declined: () => 'Nothing was changed.',
  inConflict: (resources) =>
    `Take the change back there, or overrule it: ${forceText(resources)}. The lab.yaml is the place for a change that is to stay.`,
  stepStarted: (step, at, of) => `[${at}/${of}] ${step}`,
  written: (action, resource) => `  ${action === 'create' ? 'created' : 'changed'} ${resource}`,
  webhookSilent: (resource) => `  waiting: the webhook that checks ${resource} does not answer yet`,
  waiting: (wait, obstacle) => `  waiting for ${waitText(wait)}: ${obstacleText(obstacle)}`,
  sinceSeconds: (line, seconds) => `${line} (for ${seconds} s)`,
  stepDone: (written, unchanged) => `  done: ${written} written, ${unchanged} unchanged`,
  applied: (written, seconds) => `The cluster is as the lab.yaml says: ${written} written in ${seconds} s.`,
  apiSlow: ({ server, reason, attempt, attempts }) =>
    `  waiting for the Kubernetes API at ${server}: ${reason ?? 'no answer yet'} (attempt ${attempt} of ${attempts})`,
  interrupted: () => 'Stopped. What was applied stays; the same command goes on from there.',
  lockTakenOver: (from) => `The run of ${from} is dead; its lock has been taken over.`,
};

function forceText(resources: readonly string[]): string {
  return ['deploy:lab apply', ...resources.map((each) => `--force '${each}'`)].join(' ');
}

const WAITS: By<Wait, 'for'> = {
  chart: (found) => `the chart ${found.name}`,
  definition: (found) => `CustomResourceDefinition ${found.name}`,
  database: (found) => `the database ${found.name} to run`,
  address: (found) => `the address ${found.address} of Service ${found.service}`,
  claim: (found) => `the volume of PersistentVolumeClaim ${found.name}`,
  job: (found) => `Job ${found.name} to finish`,
  gone: (found) => `the end of ${found.resource}`,
};

export function waitText(wait: Wait): string {
  return say(WAITS, 'for', wait);
}

const OBSTACLES: By<Obstacle, 'is'> = {
  absent: (found) => `${found.resource} is not there`,
  'not-established': (found) => `${found.resource} is not established`,
  'not-replaced': (found) => `${found.resource} is still the one from before the change`,
  failed: (found) => `${found.resource} has failed${found.message === '' ? '' : ` (${found.message})`}`,
  running: (found) =>
    `${found.resource} is still running${found.failures === 0 ? '' : `, ${found.failures} pods have failed`}`,
  'not-ready': (found) => `${found.resource} has ${found.ready} of ${found.wanted} pods ready`,
  status: (found) => `${found.resource} has the status ${found.status}`,
  'other-address': (found) => `${found.resource} has ${found.address} instead`,
  'no-address': (found) => `${found.resource} has no address`,
  ending: ({ resource, heldBy }) =>
    heldBy.length === 0 ? `${resource} is still there` : `${resource} is held by ${heldBy.join(', ')}`,
};

export function obstacleText(obstacle: Obstacle): string {
  return say(OBSTACLES, 'is', obstacle);
}

/** Where to look, and what to do. */
const REMEDIES: By<Wait, 'for'> = {
  chart: (found) =>
    `See 'kubectl -n kube-system logs job/helm-install-${found.name}': can its images and its repository be reached? Then apply again.`,
  definition: () => 'Its chart brings it: apply the step charts, and look at its Job in kube-system.',
  database: (found) =>
    `See 'kubectl get pods -l cluster-name=${found.name}' and the operator's log: is there memory, a volume, the image? Then apply again.`,
  address: () =>
    `Is another Service using it ('kubectl get services -A')? Free it, delete the Service so that the operator makes it anew, and apply again.`,
  claim: (found) => `See 'kubectl describe pvc ${found.name}', then apply again.`,
  job: (found) =>
    `See 'kubectl -n ${found.namespace} logs job/${found.name}', then 'kubectl -n ${found.namespace} delete job ${found.name}' and apply again.`,
  gone: ({ resource }) =>
    `Does whoever is to clear it up still run (K3s, the operator; see 'kubectl describe' of ${resource})? Then run the same again.`,
};

export function remedyText(wait: Wait): string {
  return say(REMEDIES, 'for', wait);
}
