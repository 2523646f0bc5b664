import { expect, it } from 'vitest';
import { html } from './html.ts';

it('escapes whatever is put in, in text and in attributes', () => {
  const nasty = `<b onclick="x('y')">&`;
  expect(html`<p title="${nasty}">${nasty}</p>`.text).toBe(
    '<p title="&#60;b onclick=&#34;x(&#39;y&#39;)&#34;&#62;&#38;">&#60;b onclick=&#34;x(&#39;y&#39;)&#34;&#62;&#38;</p>',
  );
});

it('takes templates as they are, also in lists', () => {
  const items = ['<1>', '<2>'].map((item) => html`<b>${item}</b>`);
  expect(html`<p>${items}</p>`.text).toBe('<p><b>&#60;1&#62;</b><b>&#60;2&#62;</b></p>');
});

it('leaves no trace of nothing, and shows zero', () => {
  expect(html`${undefined}${null}${false}${0}${''}`.text).toBe('0');
});
