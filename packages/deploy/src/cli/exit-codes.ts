export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** The lab.yaml has mistakes; all of them were named. */
  invalidLab: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
