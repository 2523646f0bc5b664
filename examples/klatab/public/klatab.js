// What pages can do without, and are better with: they keep up to date, say when saving takes a moment, and send a form
// once. Everything works without this script.

const banner = document.getElementById('banner');
const main = document.getElementById('inhalt');
const shown = new Set(main.dataset.live?.split(' ').filter((table) => table !== ''));

if (document.body.dataset.signedIn === 'ja') keepUpToDate();
sendFormsOnce();

function keepUpToDate() {
  let stream;
  let wasAway = false;

  // Browsers open six connections to a server at most: a page that nobody looks at must not keep one.
  const follow = () => {
    if (document.visibilityState === 'hidden') return close();
    if (stream !== undefined) return;
    stream = new EventSource('/live');
    stream.addEventListener('datenbank', ({ data }) => (banner.hidden = data === 'da'));
    stream.addEventListener('geaendert', ({ data }) => {
      if (shown.has(data) || data === 'alles') refreshSoon();
    });
    stream.addEventListener('open', () => {
      if (wasAway) refreshSoon();
      wasAway = false;
    });
    stream.addEventListener('error', () => (wasAway = true));
  };
  const close = () => {
    stream?.close();
    stream = undefined;
    wasAway = true;
  };
  document.addEventListener('visibilitychange', follow);
  window.addEventListener('pagehide', close);
  window.addEventListener('pageshow', follow);
  follow();
}

let waiting = false;

/** A little later, by chance: a whole school must not ask at the same moment. */
function refreshSoon() {
  if (waiting || shown.size === 0) return;
  waiting = true;
  setTimeout(
    () => {
      waiting = false;
      refresh().catch(() => {});
    },
    100 + Math.random() * 400,
  );
}

/** Puts in what the server shows by now, and keeps the focus where it was. */
async function refresh() {
  const answer = await fetch(location.href);
  if (answer.redirected || answer.status === 404) return location.reload();
  // Away for a moment: what is shown is better than nothing.
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('inhalt');
  // Never under somebody's hands.
  if (fresh === null || document.activeElement?.closest('form, details[open]') != null) return;
  const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  main.replaceChildren(...fresh.childNodes);
  if (focused !== null) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  sendFormsOnce();
}

/** The server deals with a form once anyway; this spares a second way there, and tells whoever waits. */
function sendFormsOnce() {
  for (const form of main.querySelectorAll('form[data-once]')) {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent === 'ja') return event.preventDefault();
      form.dataset.sent = 'ja';
      form.querySelector('button').setAttribute('aria-disabled', 'true');
      setTimeout(() => (form.querySelector('.saving').hidden = false), 1_500);
    });
  }
}

// Come back to by the back button, a form can be sent again.
window.addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return;
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    form.querySelector('button').removeAttribute('aria-disabled');
    form.querySelector('.saving').hidden = true;
  }
});
