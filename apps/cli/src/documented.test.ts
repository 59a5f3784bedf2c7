// Every command that the documentation shows is one that exists, with options that it has: each is parsed by the command itself, and asked for its help in the end.
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CAUSES } from '@dialtone/contracts'
import { COMMANDS } from './commands.ts'
import { runExplain } from './commands/explain.ts'
import { standardOut, type Out } from './out.ts'
import { runbookFile } from './runbook.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const DOCUMENTS = globSync(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'deploy/**/*.md'], { cwd: ROOT, exclude: path => path.includes('node_modules') })

const printed: string[] = []
const quiet: Out = { ...standardOut({}), print: text => { printed.push(text); return 0 }, tell: text => { printed.push(text) }, progress: () => undefined }

// Apps print by themselves.
beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockImplementation(text => printed.push(String(text)) > 0)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterEach(() => { vi.restoreAllMocks() })

type Shown = { where: string, words: string[] }

/** `dialtone …` in commands and in `code`, as words; one for each different set of options. */
function shown (): Shown[] {
  const found = new Map<string, Shown>()
  for (const file of DOCUMENTS) {
    const text = readFileSync(join(ROOT, file), 'utf8').replaceAll(/\\\n\s*/g, ' ')
    const commands = text.split('\n').flatMap((line, at) => [
      ...[...line.matchAll(/`(?:npx |bin\/)?dialtone ([^`]+)`/g)].map(([, rest = '']) => ({ rest, at })),
      ...[...line.replaceAll(/`[^`]*`/g, '').matchAll(/^[^|]*?(?:^|[\s(;])(?:npx dialtone|bin\/dialtone|(?<=^(?: {4,}|\s*until |\$ ?)?)dialtone) ([a-z][^\n]*)/g)].map(([, rest = '']) => ({ rest, at })),
    ])
    for (const { rest, at } of commands) {
      const words = wordsOf(rest)
      const key = [words[0], ...words.filter(word => word.startsWith('-')).map(word => word.split('=')[0])].join(' ')
      if (!found.has(key)) found.set(key, { where: `${file}:${at + 1}`, words })
    }
  }
  return [...found.values()]
}

/** Up to what a shell would take for itself. */
function wordsOf (text: string): string[] {
  const [own = ''] = text.split(/(?:^|\s)(?:[|&;>)#]|2>|…)|[;)](?:\s|$)/)
  return [...own.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain = '']) => single ?? double ?? plain)
}

it('what the documentation shows can be typed', async () => {
  const wrong: string[] = []
  const commands = shown().filter(({ words: [name] }) => name !== 'COMMAND' && name !== '--help')
  expect(commands.length).toBeGreaterThan(40)
  for (const { where, words } of commands) {
    const problem = await refused(words)
    if (problem !== undefined) wrong.push(`${where}: dialtone ${words.join(' ')}: ${problem}`)
  }
  expect(wrong).toEqual([])
})

it('what no command understands would be noticed', async () => {
  for (const name of Object.keys(COMMANDS)) expect(await refused([name, '--no-such-option']), name).toBeDefined()
  expect(await refused(['retry', 'edge'])).toBe("there is no command 'retry'")
})

/** What is wrong with a command and its options; nothing is done but that its help is printed. */
async function refused ([name = '', ...args]: readonly string[]): Promise<string | undefined> {
  const asked = [...args, '--help']
  printed.length = 0
  try {
    const load = COMMANDS[name]
    if (load === undefined) return `there is no command '${name}'`
    await (await load(asked))(asked, quiet, AbortSignal.timeout(5000), {})
    return printed.join('').startsWith('dialtone ') ? undefined : `printed no help: ${printed.join('').slice(0, 60)}`
  } catch (error) {
    return (error as Error).message
  }
}

it('explain prints the runbook of every cause, and says where it is', () => {
  for (const cause of CAUSES) {
    printed.length = 0
    expect(runExplain([cause, '--runbook'], quiet)).toBe(0)
    expect(runExplain([cause], quiet)).toBe(0)
    expect(printed[0]).toMatch(new RegExp(`^# ${cause}\n`))
    expect(printed[1]).toContain(runbookFile(cause))
  }
})

it('explain prints the page of an alert about Dialtone itself, with and without asking for it', () => {
  printed.length = 0
  expect(runExplain(['DialtoneAgentDown', '--runbook'], quiet)).toBe(0)
  expect(runExplain(['DialtoneAgentDown'], quiet)).toBe(0)
  expect(printed[0]).toMatch(/^# DialtoneAgentDown\n/)
  expect(printed[1]).toBe(printed[0])
  // Its causes have pages.
  expect(() => runExplain(['DialtoneRecordsBroken', '--runbook'], quiet)).toThrow(/names its cause/)
})

it('a check has no runbook, nor has nothing', () => {
  expect(() => runExplain(['s2s.tcp', '--runbook'], quiet)).toThrow(/only causes have runbooks/)
  expect(() => runExplain(['--runbook'], quiet)).toThrow(/wants a cause/)
})
