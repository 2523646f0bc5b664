export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** The lab.yaml has mistakes; all of them were named. */
  invalidLab: 3,
  /** Another run is changing the cluster; nothing was done. */
  locked: 11,
  /** The cluster is other than the lab says. */
  changes: 12,
  /** A drill has missed a limit of the lab.yaml, or could not be judged. */
  limitMissed: 13,
  /** Stopped by Ctrl-C, as shells have it; running the same again goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
