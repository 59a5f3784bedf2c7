// Whether the documentation holds together: every link leads somewhere, every cause and alert of Dialtone has a runbook with all its parts, and no page is about nothing.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PAGES, RUNBOOKS, isCause, withWritten, writtenParts } from './runbooks/head.ts'
import { INDEX, withTables } from './runbooks/index-page.ts'
import { anchorsOf, exportsOf, fencesOf, linksOf, missingFrom, runsOf, sectionOf, sectionsOf, variablesOf } from './runbooks/page.ts'

const ROOT = resolve(import.meta.dirname, '..')
const DOCUMENTS = globSync(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'deploy/**/*.md'], { cwd: ROOT, exclude: path => path.includes('node_modules') }).toSorted()
const PARTS = ['What users notice', 'What it means', 'What Dialtone shows', 'Confirm by hand', 'Mend it', 'Not to be taken for', 'Mended when']

describe('links', () => {
  it('lead to files and headings that are there', () => {
    expect(DOCUMENTS.length).toBeGreaterThan(80)
    expect(DOCUMENTS.flatMap(broken)).toEqual([])
  })
})

it('a metric that a page of operating names is one that is exposed', () => {
  const exposed = read('docs/operating/metrics.md')
  const named = DOCUMENTS.filter(file => file.startsWith('docs/operating/')).flatMap(file => [...read(file).matchAll(/`((?:dialtone|probe)_[a-z0-9_]+)/g)].map(([, metric = '']) => ({ file, metric })))
  expect(named.length).toBeGreaterThan(100)
  expect(named.filter(({ metric }) => !exposed.includes(`| \`${metric}\` |`) && !exposed.includes(`| \`${metric.replace(/_(?:bucket|sum|count)$/, '')}\` |`))).toEqual([])
})

describe('runbooks', () => {
  it('there is one for every cause and every alert of Dialtone itself, and no other', () => {
    expect(globSync('*', { cwd: join(ROOT, RUNBOOKS) }).toSorted()).toEqual(PAGES.map(name => `${name}.md`).toSorted())
  })

  it('the index has the tables of today', () => { expect(withTables(read(INDEX))).toBe(read(INDEX)) })

  for (const name of PAGES) {
    it(`${name} has all its parts, each with something in it`, () => {
      const text = page(name)
      expect(text.split('\n', 1)).toEqual([`# ${name}`])
      expect(sectionsOf(text)).toEqual(isCause(name) ? PARTS : PARTS.filter(part => part !== 'Not to be taken for'))
      for (const part of sectionsOf(text)) expect(sectionOf(text, part), part).not.toBe('')
      for (const part of writtenParts(name)) expect(text).toContain(`<!-- written by \`npm run docs\`: ${part} -->`)
      expect(withWritten(name, text), 'npm run docs').toBe(text)
    })

    it(`${name} tells its reader to set what its commands use, and expects nothing that the reader cannot know`, () => {
      const text = page(name)
      const known = new Set(exportsOf(text))
      for (const { command, expects } of runsOf(text)) {
        const own = new Set([...command.text.matchAll(/^([A-Z][A-Z_0-9]*)=/gm)].map(([, variable = '']) => variable))
        for (const variable of [...variablesOf(command.text), ...expects.flatMap(variablesOf)]) expect(known.has(variable) || own.has(variable), `$${variable} in the fence of line ${command.line}`).toBe(true)
      }
    })
  }

  it('no fence stands without a meaning: what is expected follows what is run', () => {
    for (const name of PAGES) {
      const fences = fencesOf(page(name))
      for (const [at, { info, line }] of fences.entries()) {
        expect(['', 'run', 'expect'], `${name}.md:${line}`).toContain(info[0] ?? '')
        if (info[0] === 'expect') expect(fences[at - 1]?.info[0], `${name}.md:${line}`).toBe('run')
      }
    }
  })
})

describe('what a page expects of a command', () => {
  const missing = (expected: string) => missingFrom('one 1\ntwo 2\r\nthree [3]\n', expected.split('\n'), { N: '2' })
  it('is found in order, in part, with … for anything and $NAME for its value', () => {
    expect(missing('one\n…o $N\n[3]')).toEqual([])
    expect(missing('t…e')).toEqual([])
  })
  it('is of whole words, and a number alone is all of its line', () => {
    expect(missing('thr')).toEqual(['thr'])
    expect(missing('wo 2')).toEqual(['wo 2'])
    const counted = (output: string) => missingFrom(output, ['0'], {})
    expect([counted('0\n'), counted(' 0 \n'), counted('10\n'), counted('0.5\n'), counted('says 0\n')]).toEqual([[], [], ['0'], ['0'], ['0']])
  })
  it('is missed where it is not there, comes too early, or says another value', () => {
    expect(missing('four')).toEqual(['four'])
    expect(missing('two\none')).toEqual(['one'])
    expect(missing('two 3')).toEqual(['two 3'])
    expect(missing('one…two')).toEqual(['one…two'])
    expect(missing('three .3.')).toEqual(['three .3.'])
  })
})

function broken (file: string): string[] {
  const text = read(file)
  return linksOf(text).flatMap(target => {
    if (/^[a-z]+:/.test(target)) return []
    const [path = '', anchor] = target.split('#')
    const to = path === '' ? file : relative(ROOT, resolve(ROOT, dirname(file), path))
    if (!existsSync(join(ROOT, to))) return [`${file}: ${target}: there is no ${to}`]
    return anchor === undefined || anchorsOf(read(to)).includes(anchor) ? [] : [`${file}: ${target}: ${to} has no such heading`]
  })
}

function page (name: string): string {
  return read(`${RUNBOOKS}/${name}.md`)
}

function read (file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}
