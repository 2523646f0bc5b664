/** Somebody with a browser that does what browsers do with pages, redirects, cookies and forms, and nothing more. */
import { PASSWORD } from './klatab.ts';

export interface Form {
  readonly action: string;
  readonly method: string;
  /** As the page has filled it in. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface Visited {
  readonly status: number;
  /** Where the last redirect has led. */
  readonly path: string;
  readonly text: string;
  readonly title: string;
  readonly forms: readonly Form[];
}

export class Visitor {
  readonly #address: string;
  readonly #cookies = new Map<string, string>();

  constructor(address: string) {
    this.#address = address;
  }

  async signIn(login: string, password = PASSWORD): Promise<Visited> {
    const page = await this.open('/anmelden');
    return this.submit(formIn(page, '/anmelden'), { login, password });
  }

  open(path: string): Promise<Visited> {
    return this.#visit(path, {});
  }

  submit(form: Form, filledIn: Readonly<Record<string, string>> = {}): Promise<Visited> {
    return this.#visit(form.action, {
      method: 'POST',
      body: new URLSearchParams({ ...form.fields, ...filledIn }),
    });
  }

  /** The same person at another server of the app. */
  at(address: string): Visitor {
    const other = new Visitor(address);
    for (const [name, value] of this.#cookies) other.#cookies.set(name, value);
    return other;
  }

  /** Without following redirects. */
  async request(path: string, options: RequestInit = {}): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(this.#address + path, {
      ...options,
      redirect: 'manual',
      headers: { ...(options.headers as Record<string, string>), cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  async #visit(path: string, options: RequestInit): Promise<Visited> {
    const response = await this.request(path, options);
    const to = response.headers.get('location');
    if (response.status === 303 && to !== null) {
      await response.body?.cancel();
      return this.#visit(to, {});
    }
    const text = await response.text();
    const title = decode(/<h1>(.*?)<\/h1>/s.exec(text)?.[1] ?? '');
    return { status: response.status, path, text, title, forms: formsIn(text) };
  }
}

/** @throws where the page has no form that goes there. */
export function formIn({ forms, text }: Visited, action: string): Form {
  const found = forms.find((form) => form.action === action);
  if (found === undefined) throw new Error(`no form to ${action} on this page: ${text}`);
  return found;
}

function formsIn(text: string): Form[] {
  return [...text.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, attributes = '', inner = '']) => ({
    action: attribute(attributes, 'action') ?? '',
    method: attribute(attributes, 'method') ?? 'get',
    fields: Object.fromEntries([...inputsIn(inner), ...selectsIn(inner), ...textareasIn(inner)]),
  }));
}

function inputsIn(text: string): [string, string][] {
  return [...text.matchAll(/<input\b([^>]*)>/gs)].map(([, attributes = '']) => [
    attribute(attributes, 'name') ?? '',
    attribute(attributes, 'value') ?? '',
  ]);
}

function selectsIn(text: string): [string, string][] {
  return [...text.matchAll(/<select\b([^>]*)>(.*?)<\/select>/gs)].map(([, attributes = '', inner = '']) => {
    const options = [...inner.matchAll(/<option\b([^>]*)>/gs)].map(([, option = '']) => option);
    const chosen = options.find((option) => /\bselected\b/.test(option)) ?? options[0] ?? '';
    return [attribute(attributes, 'name') ?? '', attribute(chosen, 'value') ?? ''];
  });
}

function textareasIn(text: string): [string, string][] {
  return [...text.matchAll(/<textarea\b([^>]*)>\n?(.*?)<\/textarea>/gs)].map(
    ([, attributes = '', inner = '']) => [attribute(attributes, 'name') ?? '', decode(inner)],
  );
}

function attribute(text: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];
  return value === undefined ? undefined : decode(value);
}

function decode(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
