import type { EndpointHealth, SchoolDb } from '@schooldb/client';

interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly (readonly [labels: string, value: number])[];
}

/** Counts, in Prometheus' text format. */
export class Metrics {
  readonly #db: SchoolDb;
  readonly #streams: () => number;
  readonly #answers = new Map<string, number>();
  readonly #unsubscribe: readonly (() => void)[];
  #failovers = 0;
  #retries = 0;
  #settled = 0;

  constructor(db: SchoolDb, streams: () => number) {
    this.#db = db;
    this.#streams = streams;
    this.#unsubscribe = [
      db.on('endpoint:down', ({ endpoint }) => (this.#failovers += endpoint === 'master' ? 1 : 0)),
      db.on('attempt:failed', () => (this.#retries += 1)),
      db.on('outcome:settled', () => (this.#settled += 1)),
    ];
  }

  answered(status: number): void {
    const statusClass = `${Math.floor(status / 100)}xx`;
    this.#answers.set(statusClass, (this.#answers.get(statusClass) ?? 0) + 1);
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  text(): string {
    return this.#families().map(textOf).join('');
  }

  #families(): Family[] {
    const { endpoints, running } = this.#db.health();
    const { rss, heapUsed, external } = process.memoryUsage();
    const known = Object.entries(endpoints).filter(
      (entry): entry is [string, EndpointHealth] => entry[1] !== null,
    );
    const perEndpoint = (value: (health: EndpointHealth) => number) =>
      known.map(([kind, health]) => [`{endpoint="${kind}"}`, value(health)] as const);
    return [
      {
        name: 'klatab_answers_total',
        type: 'counter',
        help: 'Answers to browsers, by class of status.',
        samples: [...this.#answers].map(([status, count]) => [`{status="${status}"}`, count] as const),
      },
      {
        name: 'klatab_live_streams',
        type: 'gauge',
        help: 'Pages that are kept up to date.',
        samples: [['', this.#streams()]],
      },
      {
        name: 'klatab_database_up',
        type: 'gauge',
        help: '1 where the endpoint can be used.',
        samples: perEndpoint(({ state }) => (state === 'up' ? 1 : 0)),
      },
      {
        name: 'klatab_database_connections',
        type: 'gauge',
        help: 'Open connections.',
        samples: perEndpoint(({ connections }) => connections.open),
      },
      {
        name: 'klatab_database_waiting',
        type: 'gauge',
        help: 'Callers that wait for a connection.',
        samples: perEndpoint(({ waiting }) => waiting),
      },
      {
        name: 'klatab_database_running',
        type: 'gauge',
        help: 'Operations that have no answer yet.',
        samples: [['', running]],
      },
      {
        name: 'klatab_database_outages_total',
        type: 'counter',
        help: 'Times that no primary could be reached.',
        samples: [['', this.#failovers]],
      },
      {
        name: 'klatab_database_retries_total',
        type: 'counter',
        help: 'Attempts that failed and were followed by another.',
        samples: [['', this.#retries]],
      },
      {
        name: 'klatab_database_settled_total',
        type: 'counter',
        help: 'Lost COMMITs whose outcome was found out.',
        samples: [['', this.#settled]],
      },
      // By the names that dashboards for Node know.
      {
        name: 'process_resident_memory_bytes',
        type: 'gauge',
        help: 'Memory of the process that is not swapped out.',
        samples: [['', rss]],
      },
      {
        name: 'nodejs_heap_size_used_bytes',
        type: 'gauge',
        help: 'Heap in use, with what the garbage collector has not found yet.',
        samples: [['', heapUsed]],
      },
      {
        name: 'nodejs_external_memory_bytes',
        type: 'gauge',
        help: 'Memory of buffers and other objects outside of the heap.',
        samples: [['', external]],
      },
    ];
  }
}

function textOf({ name, type, help, samples }: Family): string {
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
