// What `up` prints when it is ready: where, with what, three requests to try, and how to go on with a domain of one's own.
import { join } from 'node:path'
import type { Terminal } from '../terminal.ts'

export type Ready = {
  url: string
  dir: string
  /** At the first start only. */
  token?: string
  /** An admin token is in the state directory, and works. */
  kept: boolean
  /** Of the demo fleet, in whose name the requests ask. Absent: what is configured. */
  demo?: { domain: string, blocked: string }
  vantages: readonly string[]
  /** What is wrong with what runs here. */
  problems?: readonly string[]
  /** The command that started this process, as one types it. */
  command: string
}

export function banner ({ url, dir, token, kept, demo, vantages, problems = [], command }: Ready, { paint, shapes }: Terminal): string {
  const file = join(dir, 'token')
  const curl = (rest: string) => `curl -sS -H "Authorization: Bearer ${kept ? `$(cat ${shell(file)})` : '$DIALTONE_TOKEN'}" ${rest}`
  const domain = demo?.domain ?? 'ours.example'
  return [
    `${paint('bold', 'URL')}     ${url}`,
    `${paint('bold', 'Token')}   ${token ?? (kept ? `was printed at the first start, and is kept in ${file}` : 'was printed at the first start; none is kept here, or not one that works')}`,
    token !== undefined ? `        of an admin; not printed again. Kept for you in ${file}`
      : kept ? `        another: ${command} token create NAME --role admin` : '        for what follows: export DIALTONE_TOKEN=TOKEN',
    '',
    ...problems.flatMap(problem => [`${paint('bold', 'Problem')} ${problem}`, '']),
    ...(demo === undefined ? [] : ['A demo fleet on loopback. Its time-outs and intervals are scaled down, so that causes are named after', 'seconds; the defaults, for real networks, are longer.', '']),
    'Try',
    `  ${curl(shell(`${url}/v1/overview`))}`,
    `  ${curl(shell(`${url}/v1/status/${demo?.blocked ?? domain}`))}`,
    `  ${curl(shell(`${url}/v1/summary`))}`,
    `  ${command} overview`,
    `  ${command} describe ${demo?.blocked ?? domain}`,
    '',
    `A domain of your own${vantages.length === 0 ? ' (and a Vantage from which it is seen)' : ''}`,
    `  ${curl(`-H 'Content-Type: application/json' -d '{"resources":[{"kind":"Domain","name":"example.org","spec":{"expectedAddresses":["203.0.113.10"]}}]}' ${shell(`${url}/v1/apply`)}`)}`,
    `  printf 'kind: Domain\\nname: example.org\\nspec: { expectedAddresses: [203.0.113.10] }\\n' | ${command} apply -f -`,
    '',
    paint('dim', [`state ${dir}`, `documentation ${url}/docs`, 'Ctrl-C stops, the next start remembers'].join(` ${shapes.dot} `)), '',
  ].join('\n')
}

/** One word of a shell. */
function shell (text: string): string {
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
