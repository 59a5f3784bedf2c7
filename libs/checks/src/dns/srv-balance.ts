// Do several targets share the load and cover for each other? (RFC 2782)
import type { Observation } from '@dialtone/contracts'
import { srvRecords, type SrvRecord } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import { defineDomainCheck } from '../check.ts'
import { bothServices, listed } from './asked.ts'

/** Reads priorities, weights and the addresses behind them. Says nothing about whether the targets work. */
export const srvBalance = defineDomainCheck({
  id: 's2s.srv-balance',
  asks: 'Do several SRV targets share the load and cover for each other?',
  about: 'RFC 2782: a weight of 0 beside greater ones gets next to nothing, which is rarely meant; targets that all lead to one address fail together. Equal weights, 0 included, are an even split.',
  outcomes: {
    single: { level: 'ok', says: 'names one target, with nothing to share' },
    spread: { level: 'ok', says: 'names several targets at several addresses' },
    starved: { level: 'notice', says: 'gives a target the weight 0 beside others of the same priority, so that it gets next to nothing', remedy: 'Give it a weight, or a later priority if it is meant as a spare.' },
    'one-address': { level: 'notice', says: 'names several targets that all lead to one address, and fail together', remedy: 'Remove the extra records, or put the targets on different hosts.' },
    'not-known': { level: 'unknown', says: 'names several targets whose addresses are not all known' },
  },
  judge: observation => {
    const records = bothServices(observation)
    if (records.length === 0) return undefined
    const names = [...new Set(records.map(({ target }) => target))]
    if (names.length === 1) return 'single'
    const starved = (['xmpp-server', 'xmpps-server'] as const).flatMap(service => starvedOf(srvRecords(observation.dns, service)))
    if (starved.length > 0) return { outcome: 'starved', detail: listed(starved.map(({ target, port }) => `${quoted(target, 80)}:${port}`), 6) }
    const addresses = names.map(name => addressesOf(name, observation))
    if (addresses.some(each => each === undefined)) return 'not-known'
    const known = [...new Set(addresses.flatMap(each => each ?? []))]
    return known.length === 1 ? { outcome: 'one-address', detail: listed(known) } : 'spread'
  },
})

function starvedOf (records: readonly SrvRecord[]): SrvRecord[] {
  return records.filter(({ weight, priority }) => weight === 0 && records.some(other => other.priority === priority && other.weight > 0))
}

/** Undefined when nobody could tell: not asked, or not answered for every family. */
function addressesOf (name: string, { dns }: Observation): string[] | undefined {
  const answers = dns.filter(answer => answer.purpose === 'target' && answer.name === name)
  if (answers.length === 0 || answers.some(({ outcome }) => !['answer', 'nodata', 'nxdomain'].includes(outcome))) return undefined
  return answers.flatMap(({ records }) => records.flatMap(record => record.type === 'A' || record.type === 'AAAA' ? [record.address] : []))
}
