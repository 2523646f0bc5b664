/**
 * A school at work: pupils look things up, teachers enter exams, the secretary enters and changes appointments. Each notes
 * what was wrong from where he sits; in the end the database must hold what was confirmed, once.
 */
import type { SchoolDb } from '@schooldb/client';
import type { Person } from './person.ts';

export type Member = { readonly person: Person } & (
  | { readonly role: 'pupil' | 'secretary' }
  /** With a class and subject of his own, as the form for exams has it. */
  | { readonly role: 'teacher'; readonly course: string }
);

interface Progress {
  /** Rounds of what the role does that were gone through to their end. */
  rounds: number;
  longestMs: number;
}

export interface CrowdReport {
  readonly rounds: number;
  readonly saved: number;
  readonly longestMs: number;
  readonly stalePages: number;
  readonly problems: readonly string[];
}

const PUPIL_PAGES = [
  ['/stundenplan', 'Stundenplan'],
  ['/termine', 'Termine'],
  ['/pruefungen', 'Prüfungen'],
  ['/vertretungen', 'Vertretungen'],
] as const;
/** Saved twice is what is most likely to go wrong, so half of them are impatient. */
const TWICE_RATIO = 0.5;

export class Crowd {
  readonly #members: readonly Member[];
  readonly #thinkMs: number;
  readonly #random: () => number;
  readonly #progress = new Map<Member, Progress>();
  readonly #problems: string[] = [];
  /** Titles that somebody was told are saved. */
  readonly #saved = new Set<string>();
  readonly #leaving = new AbortController();
  #stalePages = 0;
  #working: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(members: readonly Member[], options: { thinkMs: number; random?: () => number }) {
    this.#members = members;
    this.#thinkMs = options.thinkMs;
    this.#random = options.random ?? Math.random;
    for (const member of members) this.#progress.set(member, { rounds: 0, longestMs: 0 });
  }

  start(): void {
    this.#working = Promise.all(this.#members.map((member, index) => this.#work(member, index)));
  }

  /** Resolves when everybody has gone through so many more rounds that began after this moment. */
  async everybodyGoesOn(rounds: number, limitMs: number): Promise<void> {
    // The round that is under way has begun before.
    const wanted = [...this.#progress].map(
      ([member, progress]) => [member, progress.rounds + rounds + 1] as const,
    );
    const end = performance.now() + limitMs;
    for (;;) {
      const missing = wanted.filter(([member, count]) => this.#roundsOf(member) < count);
      if (missing.length === 0 || this.#problems.length > 0) return;
      if (performance.now() > end)
        throw new Error(`no end of ${missing.map(([{ person }]) => person.name).join(', ')}`);
      await pause(100);
    }
  }

  /** Lets everybody end what is under way, and go. May be called twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get report(): CrowdReport {
    const all = [...this.#progress.values()];
    return {
      rounds: all.reduce((sum, { rounds }) => sum + rounds, 0),
      saved: this.#saved.size,
      longestMs: Math.round(Math.max(...all.map(({ longestMs }) => longestMs))),
      stalePages: this.#stalePages,
      problems: this.#problems,
    };
  }

  /** @returns what the database holds otherwise than people were told. To be asked after {@link stop}. */
  async compare(db: SchoolDb): Promise<string[]> {
    const { rows } = await db.write<{ title: string; count: number }>(
      `SELECT title, count(*)::integer FROM booking WHERE title LIKE 'Crowd %' GROUP BY title`,
    );
    const held = new Map(rows.map(({ title, count }) => [title, count]));
    const lost = [...this.#saved].filter((title) => !held.has(title)).map((title) => `lost: ${title}`);
    const twice = rows.filter(({ count }) => count > 1).map(({ title, count }) => `${count} times: ${title}`);
    const unsaid = [...held.keys()]
      .filter((title) => !this.#saved.has(title))
      .map((title) => `not told: ${title}`);
    return [...lost, ...twice, ...unsaid];
  }

  async #work(member: Member, index: number): Promise<void> {
    const progress = this.#progress.get(member);
    if (progress === undefined) return;
    while (!this.#leaving.signal.aborted) {
      const begun = performance.now();
      try {
        await this.#round(member, index, progress.rounds);
      } catch (error) {
        this.#problems.push(`${member.person.name} (${member.role} ${index}): ${(error as Error).message}`);
      }
      progress.rounds += 1;
      progress.longestMs = Math.max(progress.longestMs, performance.now() - begun);
      await pause(this.#thinkMs * (0.5 + this.#random()), this.#leaving.signal);
    }
  }

  async #round(member: Member, index: number, round: number): Promise<void> {
    const { role, person } = member;
    if (role === 'pupil') return this.#lookUp(person, PUPIL_PAGES[round % PUPIL_PAGES.length]);
    const title = `Crowd ${index}-${round}`;
    const [path, more] =
      member.role === 'teacher'
        ? (['/pruefungen', { course: member.course }] as const)
        : (['/termine', {}] as const);
    const { day, hour } = slotOf(index, round);
    const values = { title, day, first: hour, last: hour, ...more };
    const saved = await person.enter(`${path}/neu`, values, this.#random() < TWICE_RATIO);
    if (saved.title !== title || !saved.text.includes('Gespeichert.'))
      throw new Error(`'${title}' was saved, and '${saved.title}' is shown`);
    this.#saved.add(title);
    await this.#mustBeListed(person, path, day, title);
    if (role === 'secretary' && round % 3 === 2) await this.#change(person, saved.path.split('?')[0] ?? '');
  }

  async #lookUp(person: Person, page: (typeof PUPIL_PAGES)[number] | undefined): Promise<void> {
    const [path, title] = page ?? PUPIL_PAGES[0];
    const seen = await person.visit(path);
    if (seen.title !== title) throw new Error(`${path} shows '${seen.title}'`);
    if (seen.isStale) this.#stalePages += 1;
  }

  /** Who has saved sees it in the list, unless the page says itself that it may miss the newest. */
  async #mustBeListed(person: Person, path: string, day: string, title: string): Promise<void> {
    const list = await person.visit(`${path}?ab=${day}`);
    if (list.isStale) this.#stalePages += 1;
    else if (!list.text.includes(title)) throw new Error(`'${title}' was saved, and is not in the list`);
  }

  async #change(person: Person, path: string): Promise<void> {
    const note = `geändert ${Math.round(this.#random() * 1e9)}`;
    const seen = await person.enter(`${path}/aendern`, { note }, this.#random() < TWICE_RATIO);
    if (!seen.text.includes(note)) throw new Error(`'${note}' was saved at ${path}, and is not shown`);
  }

  async #stop(): Promise<void> {
    this.#leaving.abort();
    await this.#working;
    for (const { person } of this.#members) this.#problems.push(...person.complaints);
    await Promise.all(this.#members.map(({ person }) => person.leave()));
  }

  #roundsOf(member: Member): number {
    return this.#progress.get(member)?.rounds ?? 0;
  }
}

/** A school day and hour that nobody else of the crowd uses: each has years of his own. */
function slotOf(index: number, round: number): { day: string; hour: string } {
  const FIRST_MONDAY = Date.UTC(2031, 0, 6);
  const slot = Math.floor(round / 8);
  const days = index * 728 + Math.floor(slot / 5) * 7 + (slot % 5);
  return {
    day: new Date(FIRST_MONDAY + days * 86_400_000).toISOString().slice(0, 10),
    hour: String((round % 8) + 1),
  };
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
