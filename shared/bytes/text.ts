/** Text as bytes: UTF-8, and Latin-1, where each byte is the character of its number. */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
/** A call takes so many arguments. */
const AT_ONCE = 8192;

export const utf8Bytes = (text: string): Uint8Array<ArrayBuffer> => ENCODER.encode(text);

/** What is no UTF-8 becomes U+FFFD; a byte order mark stays. */
export const utf8Text = (bytes: Uint8Array): string => DECODER.decode(bytes);

// The decoder that is called latin1 is windows-1252 and gives other characters from 0x80 to 0x9f.
export function latin1Text(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += AT_ONCE) text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return text;
}

export const latin1Bytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
