import { createLogUpdate } from 'log-update';
import type { ClusterEvent } from '@schooldb/local-cluster';
import { epochMs } from '../measure/clock.ts';
import type { RunListener } from '../run/listener.ts';
import { colorsFor } from './colors.ts';
import type { Colors } from './colors.ts';
import { LiveState } from './live-state.ts';
import type { RunTitle } from './live-state.ts';
import { eventText, isShown, renderLine, renderView } from './live-view.ts';

/** Shows how one run goes on; `end` leaves the last picture standing and may be called twice. */
export interface Progress extends RunListener {
  end(): void;
}

const DRAW_EVERY_MS = 250;
const LINE_EVERY_MS = 5_000;
const DEFAULT_COLUMNS = 100;

/** A live view on a terminal, plain lines elsewhere. */
export function showProgress(
  title: RunTitle,
  stream: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv,
): Progress {
  const drawable = stream.isTTY && environment['TERM'] !== 'dumb';
  return drawable
    ? new LiveProgress(title, stream, colorsFor(stream, environment))
    : new LineProgress(title, stream);
}

class LiveProgress extends LiveState implements Progress {
  readonly #draw: (text: string) => void;
  readonly #done: () => void;
  readonly #stream: NodeJS.WriteStream;
  readonly #colors: Colors;
  readonly #timer: NodeJS.Timeout;
  #ended = false;

  constructor(title: RunTitle, stream: NodeJS.WriteStream, colors: Colors) {
    super(title);
    const update = createLogUpdate(stream);
    this.#draw = update;
    this.#done = () => update.done();
    this.#stream = stream;
    this.#colors = colors;
    this.#timer = setInterval(() => this.#redraw(), DRAW_EVERY_MS);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#redraw();
    this.#done();
    // The result follows on the same screen.
    this.#stream.write('\n');
  }

  #redraw(): void {
    this.#draw(renderView(this, epochMs(), this.#stream.columns || DEFAULT_COLUMNS, this.#colors));
  }
}

class LineProgress extends LiveState implements Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #timer: NodeJS.Timeout;

  constructor(title: RunTitle, stream: NodeJS.WriteStream) {
    super(title);
    this.#stream = stream;
    this.#print(title.text);
    this.#timer = setInterval(() => this.#report(), LINE_EVERY_MS);
  }

  override stage(text: string): void {
    super.stage(text);
    this.#print(text);
  }

  override event(event: ClusterEvent): void {
    super.event(event);
    if (isShown(event)) this.#print(eventText(this, event));
  }

  override warning(text: string): void {
    super.warning(text);
    this.#print(`warning: ${text}`);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #report(): void {
    if (this.startedAt !== null) this.#print(renderLine(this, epochMs()));
  }

  #print(text: string): void {
    this.#stream.write(`${text}\n`);
  }
}

/** Hears everything and tells nothing. */
export const quietListener: RunListener = {
  stage: () => {},
  loadStarted: () => {},
  progress: () => {},
  servers: () => {},
  event: () => {},
  warning: () => {},
};

/** For `--quiet`: only warnings are told. */
export function quietProgress(stream: NodeJS.WriteStream): Progress {
  return {
    ...quietListener,
    warning: (text) => void stream.write(`warning: ${text}\n`),
    end: () => {},
  };
}
