// What stands around a page: readable in the dark and on a phone, without a script, a font or an image of anybody.
import { createHash } from 'node:crypto'

const STYLE = `:root{color-scheme:light dark;--line:#8886;--code:#8882;--link:#0b57d0}@media(prefers-color-scheme:dark){:root{--link:#8ab4f8}}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:0 auto;padding:1rem}h1{font-size:1.6rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid var(--line)}
a{color:var(--link)}code,pre{font:.875rem/1.45 ui-monospace,monospace}code{background:var(--code);padding:.1em .25em;border-radius:.2em}pre{background:var(--code);padding:.75rem;overflow-x:auto;border-radius:.3rem}
pre code{background:none;padding:0}pre.out{border-left:.25rem solid var(--line)}.wide{overflow-x:auto}table{border-collapse:collapse}th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}
nav,footer{font-size:.875rem}li{margin:.3rem 0}`

/** For the Content-Security-Policy: this style and no other. */
export const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`

/** A whole page. `title` is text, `body` is HTML. */
export function shell (title: string, body: string): string {
  return `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${escaped(title)} - Dialtone</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<nav><a href="./">All runbooks</a></nav>\n<main>\n${body}</main>\n</body>\n</html>\n`
}

export function escaped (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}
