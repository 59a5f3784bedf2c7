/**
 * The pages of docs/operating as HTML. Markdown is ours alone; HTML in it is shown as text all the same. A link to another page leads to its name here, one to
 * the world stays, and one to a file that is not served becomes plain text.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Marked } from 'marked'
import { escaped, shell } from './shell.ts'

export type Pages = {
  names: () => readonly string[]
  /** `README` is the index. */
  page: (name: string) => string | undefined
  /** That nothing has this name, and what is near. */
  none: (name: string) => string
}

const NEAR = 5

/** Reads the names at once and each page when it is asked for. Without the folder there are none. */
export function loadPages (folder: string): Pages {
  const files = new Map([...listed(folder), ...listed(join(folder, 'runbooks'))])
  const kept = new Map<string, string>()
  const names = () => [...files.keys()].filter(name => name !== 'README')
  return {
    names,
    page: name => {
      const file = files.get(name)
      if (file === undefined) return undefined
      const known = kept.get(name) ?? shell(name === 'README' ? 'Operating' : name, rendered(readFileSync(file, 'utf8'), files))
      kept.set(name, known)
      return known
    },
    none: name => shell('Not found', `<h1>There is no runbook of this name</h1>\n<p>Near <code>${escaped(name.slice(0, 60))}</code>:</p>\n<ul>\n${nearest(name, names()).map(near => `<li><a href="./${near}">${near}</a></li>\n`).join('')}</ul>\n`),
  }
}

function listed (folder: string): [string, string][] {
  try {
    return readdirSync(folder).flatMap((file): [string, string][] => /^[A-Za-z0-9][A-Za-z0-9.-]*\.md$/.test(file) ? [[file.slice(0, -3), join(folder, file)]] : [])
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function rendered (text: string, files: ReadonlyMap<string, string>): string {
  const marked = new Marked({ gfm: true, async: false })
  marked.use({ renderer: {
    html: ({ text }) => /^\s*<!--[^]*?-->\s*$/.test(text) ? '' : escaped(text),
    image: ({ text }) => escaped(text),
    heading ({ tokens, depth, text }) { return `<h${depth} id="${slugOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n` },
    link ({ href, tokens }) {
      const inner = this.parser.parseInline(tokens)
      const to = hrefOf(href, files)
      return to === undefined ? inner : `<a href="${escaped(to)}">${inner}</a>`
    },
    code: ({ text, lang }) => `${lang === 'text expect' ? '<p>Shows:</p>\n' : ''}<pre${lang === 'text expect' ? ' class="out"' : ''}><code>${escaped(text)}</code></pre>\n`,
    table (token) {
      const row = (cells: typeof token.header, tag: 'th' | 'td') => `<tr>${cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')}</tr>\n`
      return `<div class="wide"><table>\n<thead>\n${row(token.header, 'th')}</thead>\n<tbody>\n${token.rows.map(cells => row(cells, 'td')).join('')}</tbody>\n</table></div>\n`
    },
  } })
  return marked.parse(text, { async: false })
}

/** Relative, so that it holds behind a proxy with a path of its own. */
function hrefOf (href: string, files: ReadonlyMap<string, string>): string | undefined {
  if (/^https?:\/\//.test(href)) return href
  if (href.startsWith('#')) return href
  const [, name = '', anchor = ''] = /^(?:\.\.\/|runbooks\/|\.\/)?([A-Za-z0-9][A-Za-z0-9.-]*)\.md(#[\w-]+)?$/.exec(href) ?? []
  return files.has(name) ? `./${name === 'README' ? '' : name}${anchor}` : undefined
}

/** As GitHub makes them, so that links hold in both places. */
function slugOf (title: string): string {
  return title.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').trim().replaceAll(' ', '-')
}

/** By how many pairs of letters they share with what was asked for. */
function nearest (name: string, names: readonly string[]): string[] {
  const pairs = (text: string) => new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2).toLowerCase()))
  const wanted = pairs(name.slice(0, 100))
  return names.map(known => ({ known, shared: [...pairs(known)].filter(pair => wanted.has(pair)).length / known.length })).toSorted((a, b) => b.shared - a.shared).slice(0, NEAR).map(({ known }) => known)
}
