import { performance } from 'node:perf_hooks';

/**
 * Milliseconds since 1970 with fractions. Threads and the cluster compare moments through this number:
 * within a thread it never runs backwards, and every thread starts from the same wall clock.
 */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
