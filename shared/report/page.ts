/** The frame of every page: what a browser may load (by default nothing), how it looks. */
import { html, type Html } from './markup.ts';
import { STYLE } from './style.ts';

export const NOTHING_LOADS =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

export const page = (title: string, body: Html, policy = NOTHING_LOADS): string =>
  String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${title}</title>
${STYLE}
</head>
<body>
${body}
</body>
</html>
`);
