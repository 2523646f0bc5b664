import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DeployError } from '../../errors/deploy-error.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { makeReport } from '../../operations/report/report.ts';
import type { VerifyContext } from '../../operations/verify/verify.ts';
import { VERIFY_TEXTS } from '../../operations/verify/texts.ts';
import { countChecks } from '../../operations/verify/verify-output.ts';
import { UsageError } from '../command.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { dueCount } from '../plan-output.ts';
import { REPORT_MARK, reportJson, reportLines } from '../report-output.ts';
import { REPORT_TEXTS } from '../report-texts.ts';
import { withTarget } from '../target.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { verifyPatiently } from '../verify-and-tell.ts';
import { FILE, JSON_OPTION, KUBECONFIG } from './shared-options.ts';

interface ReportOptions extends ClusterOptions {
  readonly json?: boolean;
  /** False by `--no-verify`. */
  readonly verify?: boolean;
}

export const report: Command<ReportOptions> = {
  name: 'report',
  about: {
    de: 'alles in einer Datei für den Ordner der Schule: Versionen, Plan, Zustand, Prüfung; ohne Passwörter',
    en: "all in one file for the school's folder: versions, plan, state, verification; without passwords",
  },
  arguments: [
    {
      word: FILE,
      about: {
        de: 'wohin; ein früherer Bericht wird ersetzt (sonst auf den Bildschirm)',
        en: 'where to; an earlier report is replaced (default: the screen)',
      },
      isOptional: true,
    },
  ],
  options: [
    KUBECONFIG,
    JSON_OPTION,
    {
      name: 'no-verify',
      about: {
        de: 'ohne die Prüfung, die in die Datenbank schreibt',
        en: 'without the verification, which writes to the database',
      },
    },
  ],
  async run({ json = false, verify: isVerified = true, ...options }, session, output, file?: string) {
    const { language } = options;
    const texts = REPORT_TEXTS[language];
    const path = file === undefined ? undefined : resolve(file);
    // Before anything is looked at, which takes its time.
    if (path !== undefined && !(await mayBeWritten(path))) throw new UsageError(texts.notOurs(path));
    return withTarget(options, session, output, async (target) => {
      const { databaseMs } = target.pace;
      const verify = (context: VerifyContext) => verifyPatiently(context, VERIFY_TEXTS[language], output);
      const found = await makeReport({ ...target, databaseMs, verify: isVerified ? verify : undefined });
      const { context, server } = target.connection;
      const cluster = { lab: target.lab, context, server };
      const text = json
        ? reportJson(found, cluster, language)
        : reportLines(found, cluster, language).join('\n');
      if (path === undefined) output.out(text);
      else {
        await writeWhole(path, `${text}\n`);
        output.err(texts.written(path));
      }
      if (found.checks !== undefined && countChecks(found.checks).failed > 0) return EXIT.failed;
      return dueCount(found.plans) === 0 ? EXIT.ok : EXIT.changes;
    });
  },
};

/** Where nothing is, or a report. */
async function mayBeWritten(path: string): Promise<boolean> {
  try {
    const [first = ''] = (await readFile(path, 'utf8')).split('\n', 1);
    return first.slice(0, 2 * REPORT_MARK.length).includes(REPORT_MARK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw DeployError.of('cannot-read', path, error);
  }
}
