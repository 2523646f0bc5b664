import type { Command } from '../command.ts';
import { apply } from './apply.ts';
import { check } from './check.ts';
import { credentials } from './credentials.ts';
import { deploy } from './deploy.ts';
import { destroy } from './destroy.ts';
import { drill } from './drill.ts';
import { forward } from './forward.ts';
import { kubeconfig } from './kubeconfig.ts';
import { local } from './local.ts';
import { logs } from './logs.ts';
import { plan } from './plan.ts';
import { render } from './render.ts';
import { report } from './report.ts';
import { scale } from './scale.ts';
import { status } from './status.ts';
import { switchover } from './switchover.ts';
import { upgrade } from './upgrade.ts';
import { verify } from './verify.ts';

/** Every command there is, in the order in which help and messages name them. */
export const COMMANDS: readonly Command[] = [
  deploy,
  check,
  render,
  plan,
  apply,
  verify,
  status,
  credentials,
  kubeconfig,
  logs,
  report,
  forward,
  switchover,
  drill,
  scale,
  upgrade,
  local,
  destroy,
];
