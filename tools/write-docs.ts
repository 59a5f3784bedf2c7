// Writes docs/checks/README.md and docs/checks/causes.md from the tables that the judge uses, docs/operating/metrics.md from the declarations of metrics, and what
// the runbooks and their index say of causes and alerts; `--check` only compares, and fails when they differ.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CHECKS, PROFILE_DATA } from '@dialtone/checks'
import { CAUSES } from '@dialtone/contracts'
import { CAUSE_ROWS, ORDER } from '@dialtone/verdict'
import { metricsPage } from './metrics-page.ts'
import { PAGES, RUNBOOKS, withWritten } from './runbooks/head.ts'
import { INDEX, withTables } from './runbooks/index-page.ts'

/** What a check is asked of, by its scope. */
const OF = { domain: 'the domain', endpoint: 'every endpoint', connection: 'every connection of a deep check' } as const

const root = resolve(import.meta.dirname, '..')
const pages = { 'docs/checks/README.md': checksPage(), 'docs/checks/causes.md': causesPage(), 'docs/operating/metrics.md': await metricsPage(root), ...runbooks() }
const stale = Object.entries(pages).filter(([file, text]) => current(file) !== text)

if (process.argv.includes('--check')) {
  for (const [file] of stale) console.error(`${file} is not what the tables say: run 'npm run docs'`)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const [file, text] of stale) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  console.log(stale.length === 0 ? 'the documentation is current' : `written: ${stale.map(([file]) => file).join(', ')}`)
}

function checksPage (): string {
  const checks = CHECKS.map(({ id, asks, about, scope, outcomes }) => [
    `## ${id}`, '', `**${asks}** Asked of ${OF[scope]}.`, '', about, '',
    '| outcome | level | means | what to change |', '|---|---|---|---|',
    ...Object.entries(outcomes).map(([outcome, { level, says, remedy }]) => `| \`${outcome}\` | ${level} | ${says} | ${remedy ?? ''} |`), '',
  ].join('\n'))
  const profiles = Object.entries(PROFILE_DATA).map(([name, { title, levels }]) => `| \`${name}\` | ${title} | ${Object.entries(levels).map(([key, level]) => `\`${key}\` is ${level}`).join(', ') || 'none'} |`)
  return [
    '# Checks', '', 'Generated from the tables in `libs/checks` by `npm run docs`.', '',
    'A check reads an observation and gives one of its outcomes. Levels are `ok`, `notice`, `warning`, `error`, and `unknown` where nobody could tell.', '',
    'Left out on purpose: the path to an address (use mtr), SSL 2 and 3 and lists of ciphers (use testssl.sh), and revocation of certificates, which no S2S server in use looks at.', '',
    ...checks,
    '## Profiles', '', 'What kind of peer is expected changes levels, never facts.', '', '| profile | peer | levels |', '|---|---|---|', ...profiles, '',
  ].join('\n')
}

function causesPage (): string {
  const index = CAUSES.map(cause => `| [\`${cause}\`](#${cause.replaceAll('.', '')}) | ${CAUSE_ROWS[cause].state} | ${CAUSE_ROWS[cause].says} |`)
  const causes = CAUSES.map(cause => {
    const { state, side, hop, actor, says, proof, lookAlikes, remedy } = CAUSE_ROWS[cause]
    return [
      `## ${cause}`, '', `DOMAIN: ${says}.`, '',
      `- State: ${state}. Side: ${side}. Where: ${hop}. Who mends it: ${actor}.`,
      `- Said when: ${proof}`,
      ...lookAlikes.map(([other, how]) => `- Not to be taken for \`${other}\`: ${how}.`),
      '', ...remedy.map((step, at) => `${at + 1}. ${step}`), '',
    ].join('\n')
  })
  return [
    '# Causes', '', 'Generated from the tables in `libs/verdict` by `npm run docs`. A verdict names exactly one. `side`, `hop` and the one who mends it are those of a peer;',
    'where the domain is ours (`--ours`), the peer\'s become ours.', '',
    '| cause | state | means |', '|---|---|---|', ...index, '',
    '## Order of judging', '', 'When nothing works, the first of these that is proved is named.', '', ...ORDER.map((cause, at) => `${at + 1}. \`${cause}\``), '',
    ...causes,
  ].join('\n')
}

/** The index of the runbooks and each of them, with their written parts. That every one is there is a test of its own. */
function runbooks (): Record<string, string> {
  const index = current(INDEX)
  return Object.fromEntries([...index === undefined ? [] : [[INDEX, withTables(index)] as const], ...PAGES.flatMap(name => {
    const file = `${RUNBOOKS}/${name}.md`
    const text = current(file)
    return text === undefined ? [] : [[file, withWritten(name, text)] as const]
  })])
}

function current (file: string): string | undefined {
  try {
    return readFileSync(join(root, file), 'utf8')
  } catch {
    return undefined
  }
}
