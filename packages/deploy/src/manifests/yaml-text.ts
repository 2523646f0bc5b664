/**
 * How YAML is written for others. An object that stands at two places is written twice: anchors are for programs, these
 * texts for readers. kubectl and Helm read YAML 1.1, where `on` is a boolean unless it is quoted.
 */
export const YAML_OPTIONS = { aliasDuplicateObjects: false, compat: 'yaml-1.1' } as const;
/** Nothing is folded: a line is a value. */
export const YAML_WIDTH = { lineWidth: 0 } as const;
