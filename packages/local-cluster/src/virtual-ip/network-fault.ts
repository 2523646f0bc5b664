import { CLEAR, type Conditions } from './flow.ts';

export type Direction = 'upstream' | 'downstream' | 'both';

/** What can be done to the network at a virtual IP. */
export type NetworkFault =
  | { name: 'refuse' }
  | { name: 'reset_peer' }
  | { name: 'blackhole'; direction: Direction }
  | { name: 'latency'; direction: Direction; latencyMs: number; jitterMs: number };

export interface Weather {
  refuse: boolean;
  resetPeer: boolean;
  upstream: Conditions;
  downstream: Conditions;
}

/** Several faults at once: delays add up, everything else happens when any of them says so. */
export function combine(faults: Iterable<NetworkFault>): Weather {
  const weather: Weather = {
    refuse: false,
    resetPeer: false,
    upstream: { ...CLEAR },
    downstream: { ...CLEAR },
  };
  for (const fault of faults) {
    switch (fault.name) {
      case 'refuse':
        weather.refuse = true;
        break;
      case 'reset_peer':
        weather.resetPeer = true;
        break;
      case 'blackhole':
        for (const conditions of concerned(weather, fault.direction)) conditions.held = true;
        break;
      case 'latency':
        for (const conditions of concerned(weather, fault.direction)) {
          conditions.latencyMs += fault.latencyMs;
          conditions.jitterMs += fault.jitterMs;
        }
        break;
    }
  }
  return weather;
}

function concerned(weather: Weather, direction: Direction): Conditions[] {
  if (direction === 'both') return [weather.upstream, weather.downstream];
  return [weather[direction]];
}
