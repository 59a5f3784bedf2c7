// The only stanzas that the listener hears: answers to what we asked by iq (RFC 6120 §8.2.3), a ping or which software it is.
import type { Pong, Software } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { childrenOf, type Element } from '@dialtone/stream'

export type IqAnswer = { id: string, answer: Omit<Pong, 'ms' | 'source'> & { software?: Software } }

/** Undefined for every other stanza; `name` is its name in jabber:server. */
export function readIqAnswer (element: Element, name: string): IqAnswer | undefined {
  const { id, type } = element.attrs as { id?: unknown, type?: unknown }
  if (name !== 'iq' || typeof id !== 'string' || (type !== 'result' && type !== 'error')) return undefined
  const error = childrenOf(element).find(child => child.getName() === 'error')
  const condition = error === undefined ? undefined : childrenOf(error)[0]?.getName()
  return { id, answer: { answer: type, ...(condition === undefined ? {} : { condition: quoted(condition, 60).slice(0, 64) }), ...softwareOf(element) } }
}

/** XEP-0092: a name, and a version where it is told. */
function softwareOf (element: Element): { software?: Software } {
  const query = childrenOf(element).find(child => child.getName() === 'query' && child.getNS() === 'jabber:iq:version')
  const told = (name: string) => {
    const text = query === undefined ? undefined : childrenOf(query).find(child => child.getName() === name)?.text().trim()
    return text === undefined || text === '' ? undefined : quoted(text, 60).slice(0, 100)
  }
  const [name, version] = [told('name'), told('version')]
  return name === undefined ? {} : { software: { name, ...(version === undefined ? {} : { version }) } }
}
