import { isRecord, type JsonObject } from '../objects/json.ts';
import { fieldSchema, type Schema } from '../schema/schema.ts';
import type { PathElement } from './path-element.ts';

/**
 * A set of paths into an object, as `managedFields` holds one for each manager. A path may be a member without those
 * below it, and the other way round. After it was built it is not changed any more.
 */
export class FieldSet {
  readonly members = new Set<PathElement>();
  readonly children = new Map<PathElement, FieldSet>();

  get isEmpty(): boolean {
    return this.members.size === 0 && [...this.children.values()].every((child) => child.isEmpty);
  }

  /** Only while the set is being built. */
  insert(path: readonly PathElement[]): void {
    const [first, ...rest] = path;
    if (first === undefined) return;
    if (rest.length === 0) this.members.add(first);
    else this.#childToBuild(first).insert(rest);
  }

  child(element: PathElement): FieldSet {
    return this.children.get(element) ?? EMPTY;
  }

  union(other: FieldSet): FieldSet {
    return this.#combine(
      other,
      (element) => this.members.has(element) || other.members.has(element),
      (mine, theirs) => mine.union(theirs),
    );
  }

  intersection(other: FieldSet): FieldSet {
    return this.#combine(
      other,
      (element) => this.members.has(element) && other.members.has(element),
      (mine, theirs) => mine.intersection(theirs),
    );
  }

  /** Without the paths that are members of the other; paths below those stay. */
  difference(other: FieldSet): FieldSet {
    return this.#combine(
      other,
      (element) => this.members.has(element) && !other.members.has(element),
      (mine, theirs) => mine.difference(theirs),
    );
  }

  /** Every member's path, in a stable order. */
  paths(): PathElement[][] {
    const elements = [...new Set([...this.members, ...this.children.keys()])].sort();
    return elements.flatMap((element) => [
      ...(this.members.has(element) ? [[element]] : []),
      ...this.child(element)
        .paths()
        .map((rest) => [element, ...rest]),
    ]);
  }

  /** With the fields that lead to members: a manager of `a.b` has a say in `a`, too, if `a` is a field by the schema. */
  withNamedFields(schema: Schema | undefined): FieldSet {
    const result = new FieldSet();
    for (const element of this.members) result.members.add(element);
    for (const [element, child] of this.children) {
      if (child.isEmpty) continue;
      if (element.startsWith('f:') && schema?.properties?.[element.slice(2)] !== undefined) {
        result.members.add(element);
      }
      const below = element.startsWith('f:') ? fieldSchema(schema, element.slice(2)) : schema?.items;
      result.children.set(element, child.withNamedFields(below));
    }
    return result;
  }

  toFieldsV1(): JsonObject {
    const result: JsonObject = {};
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      const child = this.child(element);
      if (child.isEmpty && !this.members.has(element)) continue;
      const below = child.toFieldsV1();
      result[element] = this.members.has(element) && !child.isEmpty ? { '.': {}, ...below } : below;
    }
    return result;
  }

  static fromFieldsV1(fields: unknown): FieldSet {
    const result = new FieldSet();
    if (!isRecord(fields)) return result;
    for (const [element, below] of Object.entries(fields)) {
      if (element === '.') continue;
      const keys = isRecord(below) ? Object.keys(below) : [];
      if (keys.length === 0 || keys.includes('.')) result.members.add(element);
      if (keys.some((key) => key !== '.')) result.children.set(element, FieldSet.fromFieldsV1(below));
    }
    return result;
  }

  #combine(
    other: FieldSet,
    isMember: (element: PathElement) => boolean,
    below: (mine: FieldSet, theirs: FieldSet) => FieldSet,
  ): FieldSet {
    const result = new FieldSet();
    for (const element of [...this.members, ...other.members])
      if (isMember(element)) result.members.add(element);
    for (const element of new Set([...this.children.keys(), ...other.children.keys()])) {
      const child = below(this.child(element), other.child(element));
      if (!child.isEmpty) result.children.set(element, child);
    }
    return result;
  }

  #childToBuild(element: PathElement): FieldSet {
    let child = this.children.get(element);
    if (child === undefined) this.children.set(element, (child = new FieldSet()));
    return child;
  }
}

const EMPTY = new FieldSet();
