import type { Lab } from '../config/lab.ts';
import { databaseLabels, ownLabels } from './manifest.ts';
import type { Manifest } from './manifest.ts';

const PATRONI_PORT = 8008;

/** What Patroni itself reports. Only where Prometheus' operator is installed: K3s does not bring it. */
export function monitoring(lab: Lab): Manifest[] {
  const { name, namespace } = lab.cluster;
  const metadata = { name: `${name}-patroni`, namespace, labels: ownLabels(lab) };
  return [
    {
      onlyWithCrd: 'podmonitors.monitoring.coreos.com',
      object: {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PodMonitor',
        metadata,
        spec: {
          selector: { matchLabels: databaseLabels(lab) },
          podMetricsEndpoints: [{ targetPort: PATRONI_PORT, path: '/metrics', interval: '15s' }],
        },
      },
    },
    {
      onlyWithCrd: 'prometheusrules.monitoring.coreos.com',
      object: {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PrometheusRule',
        metadata,
        spec: { groups: [{ name, rules: rules(lab) }] },
      },
    },
  ];
}

type Rule = Extract<
  Manifest['object'],
  { kind: 'PrometheusRule' }
>['spec']['groups'][number]['rules'][number];

function rules({ cluster: { name, instances, patroni } }: Lab): Rule[] {
  // Patroni calls the cluster its scope.
  const of = (metric: string) => `${metric}{scope="${name}"}`;
  const rule = (
    alert: string,
    expr: string,
    wait: string,
    severity: 'critical' | 'warning',
    summary: string,
    description: string,
  ): Rule => ({ alert, expr, for: wait, labels: { severity }, annotations: { summary, description } });
  const all = [
    rule(
      'PostgresNoPrimary',
      `sum(${of('patroni_primary')}) < 1 or absent(${of('patroni_primary')})`,
      '1m',
      'critical',
      `${name} has no primary`,
      'Nothing can be written. A failover takes up to half a minute; this has lasted longer.',
    ),
    rule(
      'PostgresTwoPrimaries',
      `sum(${of('patroni_primary')}) > 1`,
      '30s',
      'critical',
      `${name} has two primaries`,
      'Stop one of them before its writes have to be given up: the one with the lower timeline is the old one.',
    ),
    rule(
      'PostgresInstanceDown',
      `sum(${of('patroni_postgres_running')}) < ${instances}`,
      '5m',
      'warning',
      `${name} has fewer than ${instances} running instances`,
      'The next failure may leave no standby.',
    ),
    rule(
      'PostgresReadOnlyWithoutApi',
      `max(${of('patroni_failsafe_mode_is_active')}) > 0`,
      '1m',
      'warning',
      `${name} runs without the Kubernetes API`,
      'The primary goes on only while all members answer it: mend the API first.',
    ),
    rule(
      'PostgresPendingRestart',
      `max(${of('patroni_pending_restart')}) > 0`,
      '1h',
      'warning',
      `${name} waits for a restart`,
      'A changed setting is not in force yet.',
    ),
  ];
  const asynchronous = rule(
    'PostgresNotSynchronous',
    `sum(${of('patroni_sync_standby')}) < ${patroni.synchronousNodes}`,
    '2m',
    'critical',
    `${name} has no synchronous standby`,
    'A failover now could lose what was acknowledged.',
  );
  return patroni.synchronous ? [...all, asynchronous] : all;
}
