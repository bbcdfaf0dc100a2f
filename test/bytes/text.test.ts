/** Text as bytes gives what Node's Buffer gives. */
import { expect, test } from 'vitest';
import { latin1Bytes, latin1Text, utf8Bytes, utf8Text } from '../../shared/bytes/text.ts';

const EVERY = Uint8Array.from({ length: 20_000 }, (_, i) => i & 255);

test('every byte is a character of Latin-1 and comes back', () => {
  expect(latin1Text(EVERY)).toBe(Buffer.from(EVERY).toString('latin1'));
  expect(latin1Bytes(latin1Text(EVERY))).toEqual(EVERY);
});

test.each(['', 'weight', 'größe', '\ufeffmark', '重み😀', '\ud800'])('UTF-8 of %j', (text) => {
  expect(Buffer.compare(utf8Bytes(text), Buffer.from(text, 'utf8'))).toBe(0);
  expect(utf8Text(utf8Bytes(text))).toBe(Buffer.from(text, 'utf8').toString('utf8'));
});

test('what is no UTF-8 is replaced', () => expect(utf8Text(Uint8Array.of(0x61, 0xff))).toBe('a\ufffd'));
