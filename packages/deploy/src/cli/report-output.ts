import type { Language } from '../config/language.ts';
import type { Lab } from '../config/lab.ts';
import type { Report } from '../operations/report/report.ts';
import { statusJson, statusLines } from '../operations/status/status-output.ts';
import { VERIFY_TEXTS } from '../operations/verify/texts.ts';
import { checkJson, checkLines, countChecks } from '../operations/verify/verify-output.ts';
import { dueCount, planLines } from './plan-output.ts';
import { REPORT_TEXTS } from './report-texts.ts';
import { CLUSTER_TEXTS } from './texts.ts';

/** Stands in the first line of a report: what bears it may be replaced by the next one. */
export const REPORT_MARK = 'deploy:lab report';

export interface ReportedCluster {
  readonly lab: Lab;
  readonly context: string;
  readonly server: string;
}

/** Markdown. */
export function reportLines(
  { startedAt, durationMs, versions, state, plans, checks }: Report,
  { lab, context, server }: ReportedCluster,
  language: Language,
): string[] {
  const texts = REPORT_TEXTS[language];
  const { headings, labels } = texts;
  const block = (lines: readonly string[]) => ['```text', ...lines, '```'];
  return [
    `<!-- ${REPORT_MARK} -->`,
    '',
    `# ${texts.title(lab.cluster.name)}`,
    '',
    `- ${labels.made}: ${texts.made(startedAt.toISOString(), Math.round(durationMs / 1_000))}`,
    `- ${CLUSTER_TEXTS[language].cluster(context, server)}`,
    `- ${labels.profile}: ${lab.profile}`,
    `- ${labels.postgres}: ${lab.cluster.postgres}`,
    '',
    `## ${headings.versions}`,
    '',
    `- Kubernetes: ${versions.kubernetes}`,
    `- ${labels.charts}: ${versions.charts.map(({ name, version }) => `${name} ${version}`).join(', ')}`,
    `- ${labels.images}: ${versions.images.join(', ')}`,
    '',
    `## ${headings.plan}`,
    '',
    ...block(planLines(plans, CLUSTER_TEXTS[language])),
    '',
    `## ${headings.state}`,
    '',
    ...block(statusLines(state, language)),
    '',
    `## ${headings.verify}`,
    '',
    ...verifyLines(checks, language, block),
  ];
}

function verifyLines(
  checks: Report['checks'],
  language: Language,
  block: (lines: readonly string[]) => string[],
): string[] {
  if (checks === undefined) return [REPORT_TEXTS[language].notVerified()];
  const texts = VERIFY_TEXTS[language];
  const { ok, failed, notChecked } = countChecks(checks);
  const summary = failed === 0 ? texts.passed(ok, notChecked) : texts.failed(failed, notChecked);
  return [...block(checks.flatMap((each) => checkLines(each, texts))), '', summary];
}

export function reportJson(
  { startedAt, durationMs, versions, state, plans, checks }: Report,
  { lab, context, server }: ReportedCluster,
  language: Language,
): string {
  return JSON.stringify({
    kind: REPORT_MARK,
    version: 1,
    startedAt: startedAt.toISOString(),
    durationMs,
    context,
    server,
    profile: lab.profile,
    postgres: lab.cluster.postgres,
    versions,
    plan: { due: dueCount(plans), steps: plans },
    status: statusJson(state, language),
    checks: checks?.map((found) => checkJson(found, VERIFY_TEXTS[language])) ?? null,
  });
}
