export { FakeKubeApi, startFakeKubeApi, type FakeKubeApiOptions } from './fake-kube-api.ts';
export { ManualClock, systemClock, type Clock } from './clock.ts';
export type { Fault, FaultEffect, FaultHandle, FaultMatch } from './faults/fault-book.ts';
export { PodPrograms, type CommandResult, type PodCommand } from './http/pod-programs.ts';
export type { LoggedRequest, Verb } from './http/request-log.ts';
export type { KubeObject } from './objects/kube-object.ts';
export { Lab, type LabOptions } from './lab/lab.ts';
export { LabFaults } from './lab/lab-faults.ts';
export type { NodeOptions } from './lab/k3s.ts';
