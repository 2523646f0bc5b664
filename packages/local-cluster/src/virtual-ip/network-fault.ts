import { CLEAR, type Conditions } from './flow.ts';

export type Direction = 'upstream' | 'downstream' | 'both';

/** What can be done to the network at a virtual IP. */
export type NetworkFault =
  | { name: 'refuse' }
  | { name: 'reset_peer' }
  | { name: 'blackhole'; direction: Direction }
  | { name: 'latency'; direction: Direction; latencyMs: number; jitterMs: number }
  | { name: 'bandwidth'; direction: Direction; bytesPerSecond: number }
  | { name: 'slicer'; direction: Direction; sliceBytes: number; pauseMs: number }
  | { name: 'limit_data'; direction: Direction; limitBytes: number };

export interface Weather {
  refuse: boolean;
  resetPeer: boolean;
  upstream: Conditions;
  downstream: Conditions;
}

/** Several faults at once: delays and pauses add up, of sizes and speeds the least counts, everything else happens when any of them says so. */
export function combine(faults: Iterable<NetworkFault>): Weather {
  const weather: Weather = {
    refuse: false,
    resetPeer: false,
    upstream: { ...CLEAR },
    downstream: { ...CLEAR },
  };
  for (const fault of faults) {
    if (fault.name === 'refuse') weather.refuse = true;
    else if (fault.name === 'reset_peer') weather.resetPeer = true;
    else for (const conditions of concerned(weather, fault.direction)) worsen(conditions, fault);
  }
  return weather;
}

function worsen(conditions: Conditions, fault: Extract<NetworkFault, { direction: Direction }>): void {
  switch (fault.name) {
    case 'blackhole':
      conditions.held = true;
      break;
    case 'latency':
      conditions.latencyMs += fault.latencyMs;
      conditions.jitterMs += fault.jitterMs;
      break;
    case 'bandwidth':
      conditions.bytesPerSecond = Math.min(conditions.bytesPerSecond, fault.bytesPerSecond);
      break;
    case 'slicer':
      conditions.sliceBytes = Math.min(conditions.sliceBytes, fault.sliceBytes);
      conditions.pauseMs += fault.pauseMs;
      break;
    case 'limit_data':
      conditions.limitBytes = Math.min(conditions.limitBytes, fault.limitBytes);
      break;
  }
}

function concerned(weather: Weather, direction: Direction): Conditions[] {
  if (direction === 'both') return [weather.upstream, weather.downstream];
  return [weather[direction]];
}
