// The commands of the lab. Only what starts servers loads them: the others are there at once.
import { OperatorError } from '@dialtone/kernel'
import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import type { Asked, Changed } from '../holder/protocol.ts'
import { notUp, request } from '../holder/request.ts'
import { checkMachine } from './machine.ts'
import { optionsOf } from './options.ts'
import { print, statusText, table } from './text.ts'
import { down, statusOf, up } from './up-down.ts'

export const USAGE_ERROR = 64

export const HELP = `usage: npm run lab -- COMMAND [--state DIR] [--json]

The network of the seed, with real servers, in network namespaces of this machine. See tools/lab/README.md

  up [--no-fleet]       brings it up and leaves it up in the background, with Dialtone in it unless told otherwise
  status                hosts, servers, what is broken, what the firewall has counted
  list                  what can be broken
  break NAME            breaks it, until
  heal NAME|all         heals it
  ask                   what users notice: ours of every peer, and, with Dialtone, those on both sides of the gateway
  shell HOST [-- CMD]   a shell, or a command, on a host: lab shell inside -- dig SRV _xmpp-server._tcp.gmail.test
  matrix                breaks one thing after another and compares what is named with what is expected; brings up its own
  down                  ends it, and leaves nothing

  --state DIR           where it keeps its socket and log; a lab for each. Default .dialtone/lab of the checkout
  --json                for programs
`

export const COMMANDS: Record<string, (args: readonly string[]) => Promise<number>> = {
  up: async args => await up(optionsOf(args, { names: [0, 0] })),
  down: async args => await down(optionsOf(args, { names: [0, 0] })),
  status: async args => {
    const options = optionsOf(args, { names: [0, 0] })
    const status = await statusOf(options)
    print(options, status ?? { state: 'down' }, status === undefined ? notUp(options.directory).message : statusText(status, options.directory))
    return status === undefined ? 1 : 0
  },
  list: async args => {
    const { BREAKS } = await import('../breaks/index.ts')
    const all = BREAKS.map(({ name, says }) => ({ name, says }))
    print(optionsOf(args, { names: [0, 0] }), all, table(all.map(({ name, says }) => [name, says])).join('\n'))
    return 0
  },
  break: async args => {
    const options = optionsOf(args, { names: [1, 1] })
    const [name = ''] = options.names
    const done = await request<Changed>(options.socket, 'POST', `/break/${encodeURIComponent(name)}`)
    const { says, since } = done.broken.find(each => each.name === name) ?? {}
    print(options, done, done.changed.length === 0 ? `broken already, since ${since}: ${says}` : `broken: ${says}`)
    return 0
  },
  heal: async args => {
    const options = optionsOf(args, { names: [1, 1] })
    const [name = ''] = options.names
    const done = await request<Changed>(options.socket, 'POST', `/heal/${encodeURIComponent(name)}`)
    print(options, done, done.changed.length === 0 ? name === 'all' ? 'nothing is broken' : `${name} is not broken` : `healed: ${done.changed.join(', ')}${done.broken.length === 0 ? '' : `; still broken: ${done.broken.map(each => each.name).join(', ')}`}`)
    return 0
  },
  ask: async args => {
    const options = optionsOf(args, { names: [0, 0] })
    const asked = await request<Asked>(options.socket, 'POST', '/ask')
    print(options, asked, table(asked.noticed.map(({ user, peer, says, ms }) => [user, peer, `${(ms / 1000).toFixed(1)} s`, says])).join('\n'))
    return 0
  },
  shell,
  matrix: async args => {
    if (!args.some(each => ['--help', '-h', '--list'].includes(each))) checkMachine({ withFleets: true })
    const { runMatrixCommand } = await import(new URL('../matrix/main.ts', import.meta.url).href) as { runMatrixCommand: (args: readonly string[]) => Promise<number> }
    return await runMatrixCommand(args)
  },
}

/** Ends as the command ended. */
async function shell (args: readonly string[]): Promise<number> {
  const end = args.indexOf('--')
  const options = optionsOf(end < 0 ? args : args.slice(0, end), { names: [1, 1] })
  const command = end < 0 ? [process.env['SHELL'] ?? '/bin/sh'] : args.slice(end + 1)
  const status = await statusOf(options)
  if (status === undefined) throw notUp(options.directory)
  const host = status.hosts.find(({ name }) => name === options.names[0])
  if (host === undefined) throw new OperatorError('not-found', `no host of the lab is called '${options.names[0]}'; there are: ${status.hosts.map(({ name }) => name).join(', ')}`)
  // By way of a shell, which ends with 127 where there is no such command.
  const { status: code, signal } = spawnSync('ip', ['netns', 'exec', host.namespace, '/bin/sh', '-c', 'exec "$@"', 'sh', ...command], { stdio: 'inherit' })
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}
