import { describe, expect, test } from 'vitest';
import { dataElement, html, script, shorten } from '../../shared/report/markup.ts';

describe('html', () => {
  test.each([
    ['<b>&"\'`', '&lt;b&gt;&amp;&quot;&#39;&#96;'],
    ['&lt;', '&amp;lt;'],
    ['a\u202eb', 'a\\u{202e}b'],
    ['a\u2066b\u2069', 'a\\u{2066}b\\u{2069}'],
    ['a\u200bb\ufeff', 'a\\u{200b}b\\u{feff}'],
    ['a\u{e0041}', 'a\\u{e0041}'],
    ['\0\x1b[31m', '\\u{0}\\u{1b}[31m'],
    ['\u2028', '\\u{2028}'],
    ['\ud800x', '\\u{d800}x'],
    ['\ud83d\ude00 é 模型', '\ud83d\ude00 é 模型'],
    ['line\n\tnext', 'line\n\tnext'],
  ])('escapes %j', (text, expected) => {
    expect(String(html`<p title="${text}">${text}</p>`)).toBe(`<p title="${expected}">${expected}</p>`);
  });

  test('nests markup, lists, numbers and nothing', () => {
    expect(String(html`<ul>${['<', 1, null, html`<li>${'&'}</li>`, [0, -0]]}</ul>`)).toBe(
      '<ul>&lt;1<li>&amp;</li>00</ul>',
    );
  });

  test('keeps its own literals as they are', () => {
    expect(String(html`a > b "c"`)).toBe('a > b "c"');
  });

  test('takes no look-alike for markup', () => {
    const forged = { toString: () => '<script>', map: () => ['<script>'] };
    expect(String(html`${forged as unknown as string[]}`)).toBe('&lt;script&gt;');
    expect(String(html`${String(html`<b>`)}`)).toBe('&lt;b&gt;');
  });
});

describe('script', () => {
  test('goes out as it is', () => {
    expect(String(html`<p>${script('a < b && "c"')}</p>`)).toBe('<p><script type="module">a < b && "c"</script></p>');
  });

  test.each(['</script>', 'x</SCRIPT ', '<!--'])('%s would leave it', (text) => {
    expect(() => script(text)).toThrow('a script may not hold');
  });
});

test('data for a script comes back as it was, and does not leave its element', () => {
  const text = 'a < b </script><!-- "c" \\ é';
  const [, inside] = /^<script type="application\/json" id="a&amp;b">(.*)<\/script>$/s.exec(
    String(dataElement('a&b', text)),
  )!;
  expect(inside).not.toContain('<');
  expect(JSON.parse(inside!)).toBe(text);
});

describe('shorten', () => {
  test.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdefgh', 6, 'abc…gh'],
    ['abcdefgh', 5, 'ab…gh'],
    ['aa\ud83d\ude00bbbbbb', 6, 'aa…bb'],
    ['aaaaaa\ud83d\ude00b', 5, 'aa…b'],
  ])('%s to %i', (text, limit, expected) => {
    expect(shorten(text, limit)).toBe(expected);
    expect(shorten(text, limit).length).toBeLessThanOrEqual(limit);
  });
});
