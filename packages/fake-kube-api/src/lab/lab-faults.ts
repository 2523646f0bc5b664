import type { KubeObject } from '../objects/kube-object.ts';

/** What goes wrong with the programs in the cluster. May be changed at any time; holds from then on. */
export class LabFaults {
  /** How many more requests MetalLB's webhook refuses although its controller is ready, as right after its start. */
  webhookRefusals = 0;
  /** Addresses that MetalLB gives to services against all rules, by the service's name. */
  readonly wrongIps = new Map<string, string>();
  /** The status in which the operator leaves a cluster for good, by the cluster's name. */
  readonly stuckStatus = new Map<string, string>();
  /** Charts whose CustomResourceDefinitions do not appear, by the chart's name. */
  readonly chartsWithoutDefinitions = new Set<string>();
  /** Charts whose installation fails, by the chart's name. */
  readonly failingCharts = new Set<string>();
  /** Pods that never become ready. */
  stuckPods: (pod: KubeObject) => boolean = () => false;
}
