// What the lab's holder and the command say to each other: HTTP on a socket in the state directory, which only root can open.
import type { Noticed } from '../world/users.ts'

export type HostStatus = { name: string, addresses: readonly string[], namespace: string, what: string }
export type ServerStatus = { host: string, domains: readonly string[], software: 'prosody' | 'ejabberd', running: boolean }
/** `being`: somebody is at it; `since` is when that began, or since when it is broken. */
export type BrokenStatus = { name: string, says: string, since: string, being?: 'broken' | 'healed' }

/** GET /status */
export type LabStatus = {
  state: 'starting' | 'up' | 'stopping'
  pid: number
  /** When it was asked for, and how long it took. */
  since: string
  startedInMs?: number
  fleets: 'none' | 'starting' | 'up'
  broken: readonly BrokenStatus[]
  /** Servers and processes of fleets that have ended by themselves. */
  died: readonly string[]
  hosts: readonly HostStatus[]
  servers: readonly ServerStatus[]
  /** Packets that the firewall has counted. */
  firewall: Readonly<Record<string, number>>
  /** What can be opened here, and the files that hold the tokens. */
  urls: Readonly<Record<string, string>>
}

/** POST /break/NAME and /heal/NAME: what is broken now. `changed`: what was not so before. */
export type Changed = { changed: readonly string[], broken: readonly BrokenStatus[] }
/** POST /ask */
export type Asked = { noticed: readonly Noticed[] }
/** Any refusal; `code` is that of an OperatorError. */
export type Refused = { code: string, message: string }

/** In the state directory. `mark`: by it a directory is a lab's own, and nothing is removed from another one. */
export const FILES = { mark: '.dialtone-lab', socket: 'socket', log: 'holder.log', pid: 'holder.pid' } as const
