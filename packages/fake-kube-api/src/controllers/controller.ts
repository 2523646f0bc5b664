import type { Cluster } from './cluster.ts';

/**
 * A stand-in for a program that runs in the cluster. It looks at what is there and takes the next steps, each of them
 * only once: it is called again after every change, and when a time it waits for has come.
 */
export interface Controller {
  readonly name: string;
  reconcile(cluster: Cluster): void;
}
