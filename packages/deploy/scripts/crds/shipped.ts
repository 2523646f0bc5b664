import { readFileSync } from 'node:fs';
import { schemaGrantSql, schemaSql } from '@schooldb/client';
import { examineLab } from '../../src/config/examine.ts';
import type { Lab } from '../../src/config/lab.ts';
import type { ManifestStep } from '../../src/manifests/manifest.ts';
import { manifestSteps } from '../../src/manifests/steps.ts';

export const SHIPPED_LABS = ['lab.yaml', 'lab.embedded-etcd.yaml'] as const;

export function shippedText(file: (typeof SHIPPED_LABS)[number]): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
}

export function shippedLab(file: (typeof SHIPPED_LABS)[number]): Lab {
  const examined = examineLab(shippedText(file));
  if (!examined.ok) throw new Error(`the shipped ${file} has mistakes: see deploy:lab check`);
  return examined.lab;
}

export function stepsOf(lab: Lab, chartFiles?: ReadonlyMap<string, Uint8Array>): ManifestStep[] {
  const helperSql = `${schemaSql()}\n${schemaGrantSql(lab.cluster.user)}\n`;
  return manifestSteps(lab, chartFiles === undefined ? { helperSql } : { helperSql, chartFiles });
}
