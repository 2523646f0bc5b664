import type { Language } from '../config/language.ts';
import type { LogFailure } from '../errors/log-failure.ts';
import type { ByCode } from './cli-texts.ts';

export const LOG_FAILURES: Record<Language, ByCode<LogFailure>> = {
  de: {
    'no-pods': ({ what, namespace }) =>
      `Im Namespace ${namespace} gibt es (noch) keinen Pod für '${what}'. Nennt --kubeconfig den richtigen Cluster? 'deploy:lab status' zeigt, was da ist, 'deploy:lab apply' legt an, was fehlt.`,
    'log-not-yet': ({ namespace, pod, reason }) =>
      `Pod ${namespace}/${pod} hat noch nichts geschrieben (${reason}). Gleich noch einmal versuchen, oder mit --follow darauf warten; bleibt es so, sagt 'kubectl -n ${namespace} describe pod ${pod}', warum.`,
    'log-refused': ({ namespace, pod, status, reason }) =>
      `Das Log von Pod ${namespace}/${pod} ist nicht zu bekommen (${status}: ${reason}). Darf der Benutzer dieser kubeconfig das ('kubectl auth can-i get pods/log'), und ist der Node des Pods vom API-Server aus zu erreichen?`,
  },
  en: {
    'no-pods': ({ what, namespace }) =>
      `There is no pod for '${what}' in the namespace ${namespace} (yet). Does --kubeconfig name the right cluster? 'deploy:lab status' shows what is there, 'deploy:lab apply' makes what is missing.`,
    'log-not-yet': ({ namespace, pod, reason }) =>
      `Pod ${namespace}/${pod} has written nothing yet (${reason}). Try again soon, or wait for it with --follow; if it stays that way, 'kubectl -n ${namespace} describe pod ${pod}' says why.`,
    'log-refused': ({ namespace, pod, status, reason }) =>
      `The log of Pod ${namespace}/${pod} is not to be had (${status}: ${reason}). May this kubeconfig's user do it ('kubectl auth can-i get pods/log'), and is the pod's node reachable from the API server?`,
  },
};
