import type { Api } from '../api/api.ts';
import { Cluster } from '../controllers/cluster.ts';
import { ControllerLoop } from '../controllers/controller-loop.ts';
import { endpoints } from '../controllers/endpoints.ts';
import { garbageCollector, namespaces } from '../controllers/garbage-collector.ts';
import { kubelet } from '../controllers/kubelet.ts';
import { volumes } from '../controllers/volumes.ts';
import { workloads } from '../controllers/workloads.ts';
import { helmController } from './helm-controller.ts';
import { createK3s, type NodeOptions } from './k3s.ts';
import { LabFaults } from './lab-faults.ts';
import { isInstalled, metallb } from './metallb.ts';
import { metallbWebhook } from './metallb-webhook.ts';
import { Patroni } from './patroni.ts';
import { zalandoOperator } from './zalando.ts';

export interface LabOptions {
  /** @defaultValue gl2, gl3 (servers) and gl6 */
  readonly nodes?: readonly NodeOptions[];
  /** From the creation of a pod until it is ready. @defaultValue 0 */
  readonly podStartMs?: number;
  /** From the end of a Helm Job until the chart's objects are there. @defaultValue 0 */
  readonly installMs?: number;
}

const NODES: readonly NodeOptions[] = [
  { name: 'gl2', ip: '10.0.145.110', isServer: true },
  { name: 'gl3', ip: '10.0.145.111', isServer: true },
  { name: 'gl6', ip: '10.0.145.112' },
];

/** A K3s cluster with the programs that run in the school's lab, and what can go wrong with them. */
export class Lab {
  readonly faults = new LabFaults();
  readonly patroni = new Patroni();
  /** The controllers, each of which can be stopped and started. */
  readonly controllers: ControllerLoop;
  readonly #stopped = new Set<string>();

  constructor(api: Api, { nodes = NODES, podStartMs = 0, installMs = 0 }: LabOptions = {}) {
    const { faults, patroni } = this;
    createK3s(api, nodes);
    const view = new Cluster(api, 'kube-apiserver', new Map(), () => undefined);
    api.admission.add(metallbWebhook(api, faults, () => isInstalled(view) && !this.#stopped.has('metallb')));
    this.controllers = new ControllerLoop(api, [
      garbageCollector,
      namespaces,
      workloads,
      kubelet({ podStartMs, stuckPods: (pod) => faults.stuckPods(pod) }),
      volumes,
      endpoints,
      helmController({ faults, installMs }),
      metallb(faults),
      zalandoOperator({ faults, patroni }),
    ]);
  }

  /** Stops a controller, as if its program were down: MetalLB's webhook then refuses, too. */
  stop(controller: string): void {
    this.controllers.stop(controller);
    this.#stopped.add(controller);
  }

  start(controller: string): void {
    this.controllers.start(controller);
    this.#stopped.delete(controller);
  }
}
