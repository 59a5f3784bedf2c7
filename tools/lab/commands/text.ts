// What people read of the lab.
import type { LabStatus } from '../holder/protocol.ts'
import { typed } from '../typed.ts'
import type { Options } from './options.ts'

/** The body as JSON where that was asked for, else the text. */
export function print ({ json }: Pick<Options, 'json'>, body: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(body, undefined, 2)}\n` : `${text}\n`)
}

/** What `lab status` prints of a lab that is there. `directory`: its state. */
export function statusText ({ state, pid, since, fleets, broken, died, hosts, servers, firewall, urls }: LabStatus, directory: string): string {
  const running = new Map(servers.map(server => [server.host, server.running]))
  return [
    `${state}, held by process ${pid} since ${since}; fleets: ${fleets}`,
    ...section('broken', broken.length === 0 ? ['nothing'] : table(broken.map(({ name, says, since: from, being }) => [name, says, being === undefined ? `since ${from}` : `being ${being}`]))),
    ...(died.length === 0 ? [] : section('ended by themselves', [...died, `To have them again: ${typed('down', directory)}, then ${typed('up', directory)}`])),
    ...section('hosts', table(hosts.map(({ name, addresses, what }) => [name, addresses.join(' '), running.get(name) === false ? `${what} (NOT RUNNING)` : what]))),
    ...section('firewall, packets', table([Object.entries(firewall).map(([name, packets]) => `${name} ${packets}`)])),
    ...(Object.keys(urls).length === 0 ? [] : section('on the loopback of this machine, outside of the network; tokens are in files', table(Object.entries(urls)))),
    '', 'lab break NAME, lab heal NAME, lab list; lab shell HOST; lab ask: what users notice',
  ].join('\n')
}

/** Columns as wide as what is in them. */
export function table (rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((wide, row) => row.map((cell, index) => Math.max(wide[index] ?? 0, Math.min(cell.length, 60))), [])
  return rows.map(row => row.map((cell, index) => index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)).join('  '))
}

function section (title: string, lines: readonly string[]): string[] {
  return ['', title, ...lines.map(line => `  ${line}`)]
}
