/** What somebody does with KlaTab, whichever way: with a browser, or as a browser would. */
export interface Person {
  /** The login. */
  readonly name: string;
  /** Opens a page. @throws where that ends in an error page, or in none. */
  visit(path: string): Promise<Seen>;
  /** Opens a page with a form, fills it in and sends it. @param twice - impatiently: with a double click. */
  enter(path: string, values: Readonly<Record<string, string>>, twice?: boolean): Promise<Seen>;
  /** What has gone wrong so far, beside what was thrown: errors on the console, for one. */
  readonly complaints: readonly string[];
  leave(): Promise<void>;
}

export interface Seen {
  /** With its query. */
  readonly path: string;
  readonly title: string;
  readonly text: string;
  /** The page says that the newest may be missing. */
  readonly isStale: boolean;
}
