import { EndpointDownError } from '../errors/connection-errors.ts';
import type { Endpoints } from '../endpoint/endpoints.ts';
import type { Route } from '../execution/operation.ts';

export function routeToMaster(endpoints: Endpoints): Route {
  return (deadline) => endpoints.master.acquire(deadline);
}

/**
 * To a replica; to the master where there is none, none can be reached, or a replica has just failed this read and
 * the master works.
 */
export function routeToReplica(endpoints: Endpoints): Route {
  const { master, replica } = endpoints;
  return async (deadline, attempt) => {
    const turnOfMaster = attempt % 2 === 0 && master.usable;
    if (replica?.usable && !turnOfMaster) {
      try {
        return await replica.acquire(deadline);
      } catch (error) {
        if (!(error instanceof EndpointDownError)) throw error;
      }
    }
    return master.acquire(deadline);
  };
}
