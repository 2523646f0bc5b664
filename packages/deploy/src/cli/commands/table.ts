import type { Command } from '../command.ts';
import { apply } from './apply.ts';
import { check } from './check.ts';
import { deploy } from './deploy.ts';
import { plan } from './plan.ts';
import { render } from './render.ts';
import { verify } from './verify.ts';

/** Every command there is, in the order in which help and messages name them. */
export const COMMANDS: readonly Command[] = [deploy, check, render, plan, apply, verify];
