/** What an apply would do to the versions that run, and which of that it must not do. Pure. */
import { DeployError } from '../errors/deploy-error.ts';
import type { RefusedVersion } from '../errors/operation-failure.ts';
import { chartVersion } from '../manifests/chart-version.ts';
import { CHARTS } from '../manifests/pins.ts';
import type { ChartName } from '../manifests/pins.ts';
import type { FieldChange } from './difference.ts';
import type { ResourcePlan } from './examine.ts';
import type { Resource } from '../kube/resource.ts';

/** What has a version of its own. */
export type Part = ChartName | 'postgresql';

export interface VersionChange {
  readonly part: Part;
  /** Undefined where the chart that runs does not tell. */
  readonly from: string | undefined;
  readonly to: string;
  readonly verdict: Verdict;
}

export type Verdict =
  | 'upgrade'
  /** Over a major version of a chart, or several minor ones. */
  | 'wide'
  | 'downgrade'
  /** Of PostgreSQL. The operator would rewrite the data in place at once, without a way back. */
  | 'major'
  | 'unknown';

/** A change that the server would take, and that `apply` and `upgrade` refuse: there is no safe way. */
export interface VersionRefused extends RefusedVersion {
  readonly resource: Resource;
  readonly action: 'version-refused';
  readonly fields: readonly FieldChange[];
}

/** What would become of one object, and whether its version may be changed so. */
export type PlannedResource = ResourcePlan | VersionRefused;

/** The change of version in a plan; undefined where it changes none. */
export function versionChange(plan: PlannedResource): VersionChange | undefined {
  if (!('fields' in plan)) return undefined;
  const { kind, name } = plan.resource;
  const before = (path: string) => plan.fields.find((each) => each.path === path)?.before;
  const changes = (path: string) => plan.fields.some((each) => each.path === path);
  if (kind === 'HelmChart' && isChart(name)) {
    if (!changes('spec.version') && !changes('spec.chartContent')) return undefined;
    const from = textOf(before('spec.version')) ?? chartVersion(textOf(before('spec.chartContent')) ?? '');
    const to = CHARTS[name].version;
    return { part: name, from, to, verdict: judgeChart(from, to) };
  }
  const path = 'spec.postgresql.version';
  const change = kind === 'postgresql' ? plan.fields.find((each) => each.path === path) : undefined;
  if (change === undefined) return undefined;
  const [from, to] = [textOf(change.before), textOf(change.after) ?? ''];
  return { part: 'postgresql', from, to, verdict: judgePostgres(from, to) };
}

/** The same plan, or the refusal of it. That others have changed the version as well is beside the point then. */
export function judged(plan: ResourcePlan): PlannedResource {
  const refused = refusedVersion(plan);
  if (refused === undefined || !('fields' in plan)) return plan;
  return { resource: plan.resource, action: 'version-refused', ...refused, fields: plan.fields };
}

/** @throws DeployError that names each part whose version must not be changed so. */
export function assertVersions(plans: readonly PlannedResource[]): void {
  const refused = plans.flatMap((plan) => refusedVersion(plan) ?? []);
  if (refused.length > 0) throw new DeployError({ code: 'versions-refused', refused });
}

function refusedVersion(plan: PlannedResource): RefusedVersion | undefined {
  const change = versionChange(plan);
  if (change?.from === undefined) return undefined;
  const { part, from, to, verdict } = change;
  return verdict === 'downgrade' || verdict === 'major' ? { part, from, to, why: verdict } : undefined;
}

/** By semver's precedence. */
export function judgeChart(from: string | undefined, to: string): Verdict {
  const [old, wanted] = [parsed(from ?? ''), parsed(to)];
  if (old === undefined || wanted === undefined) return 'unknown';
  if (compare(old, wanted) > 0) return 'downgrade';
  const isNear = old.major === wanted.major && wanted.minor - old.minor <= 1;
  return isNear ? 'upgrade' : 'wide';
}

export function judgePostgres(from: string | undefined, to: string): Verdict {
  const [old, wanted] = [Number(from), Number(to)];
  if (!Number.isInteger(old) || !Number.isInteger(wanted)) return 'unknown';
  return old > wanted ? 'downgrade' : 'major';
}

interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Empty for a release. */
  readonly before: readonly string[];
}

function parsed(text: string): Version | undefined {
  const [, major, minor, patch, before] =
    /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/.exec(text) ?? [];
  if (major === undefined) return undefined;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    before: before?.split('.') ?? [],
  };
}

function compare(left: Version, right: Version): number {
  return (
    left.major - right.major ||
    left.minor - right.minor ||
    left.patch - right.patch ||
    comparePrereleases(left.before, right.before)
  );
}

/** A release comes after all that came before it; numbers before words. */
function comparePrereleases(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return right.length - left.length;
  for (const [at, mine] of left.entries()) {
    const theirs = right[at];
    if (theirs === undefined) return 1;
    if (mine === theirs) continue;
    const [isNumber, isOther] = [/^\d+$/.test(mine), /^\d+$/.test(theirs)];
    if (isNumber && isOther) return Number(mine) - Number(theirs);
    if (isNumber !== isOther) return isNumber ? -1 : 1;
    return mine < theirs ? -1 : 1;
  }
  return left.length - right.length;
}

function isChart(name: string): name is ChartName {
  return Object.hasOwn(CHARTS, name);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
