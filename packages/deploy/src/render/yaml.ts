import { Document, isMap, isPair, isScalar, visit } from 'yaml';
import type { Manifest, ManifestStep } from '../manifests/manifest.ts';
import { YAML_OPTIONS, YAML_WIDTH } from '../manifests/yaml-text.ts';

/** The first line of every file that we write; by it we know our own again. */
export const HEADER = '# Rendered by schooldb-deploy from a lab.yaml.';
const ABOUT_SECRETS = `# Secrets have no values here: an annotation says where each comes from.`;

/** A step as one YAML file, a document for each object. The same step gives the same bytes. */
export function renderStep({ manifests }: ManifestStep): string {
  const secrets = manifests.some(({ secretValues }) => secretValues !== undefined);
  const head = secrets ? `${HEADER}\n${ABOUT_SECRETS}\n` : `${HEADER}\n`;
  return head + manifests.map((manifest) => `---\n${renderManifest(manifest)}`).join('');
}

function renderManifest({ object, onlyWithCrd }: Manifest): string {
  const document = new Document(object, YAML_OPTIONS);
  visit(document, {
    Pair(_, pair) {
      // Hundreds of them, one value each: a line is enough.
      if (isPair(pair) && isScalar(pair.key) && pair.key.value === 'ipBlock' && isMap(pair.value))
        pair.value.flow = true;
    },
  });
  const condition = onlyWithCrd === undefined ? '' : `# Only where the CRD ${onlyWithCrd} exists.\n`;
  return condition + document.toString(YAML_WIDTH);
}
