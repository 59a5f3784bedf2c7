import type { HeaderSeen, StreamCondition } from '@dialtone/contracts'
import type { HeaderFrame } from './frame.ts'
import { DIALBACK, STREAMS } from './namespaces.ts'
import { XML_NAMESPACE } from './scope.ts'

/**
 * What a root's start tag says as a stream header (RFC 6120 §4.7). `refused` when it is none: another root, or `stream` in another namespace
 * (§4.9.3.10). A wrong content namespace, a missing id or version are facts for a judge, not refusals: real servers send them.
 */
export function readHeader (frame: HeaderFrame): { header: HeaderSeen } | { refused: StreamCondition } {
  if (frame.namespace !== STREAMS) return { refused: frame.name === 'stream' ? 'invalid-namespace' : 'bad-format' }
  if (frame.name !== 'stream') return { refused: 'bad-format' }
  const plain = (name: string) => frame.attributes.find(attribute => attribute.namespace === '' && attribute.name === name)?.value
  const lang = frame.attributes.find(attribute => attribute.namespace === XML_NAMESPACE && attribute.name === 'lang')?.value
  // Where it is bound more than once, to the prefix that every peer understands.
  const dialbackPrefix = frame.namespaces.get('db') === DIALBACK ? 'db' : [...frame.namespaces].find(([, uri]) => uri === DIALBACK)?.[0]
  return {
    header: {
      ...present('id', plain('id')),
      ...present('from', plain('from')),
      ...present('to', plain('to')),
      ...present('version', plain('version')),
      ...present('lang', lang),
      contentNamespace: frame.namespaces.get('') ?? '',
      dialbackNamespace: dialbackPrefix !== undefined,
      ...present('dialbackPrefix', dialbackPrefix),
    },
  }
}

/** From before XMPP 1.0: no version, or one below 1. Such a peer sends no features (RFC 6120 §4.7.5). */
export function isLegacy ({ version }: HeaderSeen): boolean {
  return version === undefined || /^0*(?:\.|$)/.test(version)
}

function present<Name extends string> (name: Name, value: string | undefined): { [N in Name]?: string } {
  return value === undefined ? {} : { [name]: value.slice(0, 1024) } as { [N in Name]?: string }
}
