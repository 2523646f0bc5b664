import { renderFiles } from '../../render/files.ts';
import { imagesFile } from '../../render/images.ts';
import { writeDirectory } from '../../render/write-directory.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { labSteps } from '../lab-file.ts';
import { CLI_TEXTS } from '../texts.ts';
import { withLab } from '../with-lab.ts';

export const render: Command = {
  name: 'render',
  about: {
    de: 'was angewendet würde als YAML in einen Ordner schreiben, ohne Geheimnisse',
    en: 'write what would be applied to a directory, as YAML, without any secret',
  },
  arguments: [
    {
      word: { de: 'Ordner', en: 'dir' },
      about: {
        de: 'ein neuer oder leerer Ordner, oder einer, den ein früherer Aufruf geschrieben hat',
        en: 'a new or empty directory, or one that an earlier rendering has written',
      },
    },
  ],
  run: (options, _, output, directory = '') =>
    withLab(options, output, async (lab, path) => {
      const steps = await labSteps(lab, path);
      const files = new Map([...renderFiles(steps), ['images.txt', imagesFile(lab)]]);
      await writeDirectory(directory, files);
      const objects = steps.reduce((sum, { manifests }) => sum + manifests.length, 0);
      output.out(CLI_TEXTS[options.language].rendered(files.size, objects, directory));
      return EXIT.ok;
    }),
};
