/** What the gateway answers in its own name, and in no other (gateways.md 5.11): XEP-0199, the least of XEP-0030, and XEP-0092. */
import { OWN_DECLARATIONS, childrenOf, serialise, toElement, type ElementFrame, type HeaderFrame, type Pair } from '@dialtone/stream'
import { classOf, kindOf } from './stanza.ts'

const ENCODER = new TextEncoder()
const PING = 'urn:xmpp:ping'
const DISCO_INFO = 'http://jabber.org/protocol/disco#info'
const DISCO_ITEMS = 'http://jabber.org/protocol/disco#items'
const VERSION = 'jabber:iq:version'

const ANSWERS: Readonly<Record<string, string>> = {
  [`get ${PING} ping`]: '',
  [`get ${DISCO_INFO} query`]: `<query xmlns='${DISCO_INFO}'><identity category='gateway' type='xmpp' name='Dialtone'/>${[DISCO_INFO, DISCO_ITEMS, VERSION, PING].map(feature => `<feature var='${feature}'/>`).join('')}</query>`,
  [`get ${DISCO_ITEMS} query`]: `<query xmlns='${DISCO_ITEMS}'/>`,
  [`get ${VERSION} query`]: `<query xmlns='${VERSION}'><name>Dialtone</name><version>1</version></query>`,
}

/** The answer to a stanza for the gateway itself, or undefined where none is due. It has no accounts: what is for one of them is not found. */
export function answerOf (frame: ElementFrame, header: HeaderFrame, pair: Pair): Uint8Array | undefined {
  const kind = kindOf(frame)
  if (kind === undefined || kind === 'presence' || classOf(frame, kind) === 'error') return undefined
  const element = toElement(frame, header)
  const child = childrenOf(element)[0]
  const { from, to, id, type } = element.attrs as Record<string, string | undefined>
  const isHost = to?.split('/', 1)[0]?.includes('@') === false
  const answer = kind === 'iq' && isHost && child !== undefined ? ANSWERS[`${type} ${child.getNS()} ${child.getName()}`] : undefined
  const attributes = `${attribute('from', to ?? pair.to)}${attribute('to', from ?? pair.from)}${attribute('id', id)}`
  if (answer !== undefined) return ENCODER.encode(`<iq${attributes} type='result'>${answer}</iq>`)
  const echoed = kind === 'iq' && child !== undefined ? serialise(child, OWN_DECLARATIONS) : ''
  return ENCODER.encode(`<${kind}${attributes} type='error'>${echoed.length <= 1024 ? echoed : ''}<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></${kind}>`)
}

function attribute (name: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : ` ${name}='${value.replace(/[&<>"'\t\n\r]/g, character => `&#${character.charCodeAt(0)};`)}'`
}
