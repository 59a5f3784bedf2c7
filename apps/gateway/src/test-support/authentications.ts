// Whom a real server has authenticated and how, or who has authenticated it, by nothing but the lines that it logged itself.

/** `in`: the peer came to the server; `out`: the server came to the peer, and was taken. */
export type Authentication = { way: 'in' | 'out', peer: string, by: 'dialback' | 'EXTERNAL', tls: boolean }

/** All of one domain of the server in these lines, each once. Throws at one of Prosody's that follows no method. */
export function authenticationsIn (server: 'prosody' | 'ejabberd' | 'jabberd2', domain: string, lines: string): Authentication[] {
  const found = { prosody: ofProsody, ejabberd: ofEjabberd, jabberd2: ofJabberd2 }[server](domain, lines.split('\n'))
  return [...new Map(found.map(one => [JSON.stringify(one), one])).values()].toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
}

/** "(tls|<0.473.0>) Accepted inbound s2s dialback authentication ours.example -> partner.example (198.51.100.1)" */
function ofEjabberd (domain: string, lines: readonly string[]): Authentication[] {
  return lines.flatMap((line): Authentication[] => {
    const [, medium, direction, by, from, to] = /\((tcp|tls)\|<[^>]+>\) Accepted (inbound|outbound) s2s (dialback|EXTERNAL) authentication (\S+) -> (\S+) \(/.exec(line) ?? []
    const way = direction === 'inbound' ? 'in' : 'out'
    return (by !== 'dialback' && by !== 'EXTERNAL') || (way === 'in' ? to : from) !== domain ? [] : [{ way, peer: (way === 'in' ? from : to) ?? '', by, tls: medium === 'tls' }]
  })
}

/** "[8] [198.51.100.1, port=39667] incoming route 'old.example/ours.example' is now valid TLS negotiated" */
function ofJabberd2 (domain: string, lines: readonly string[]): Authentication[] {
  return lines.flatMap((line): Authentication[] => {
    const [, way, ours, peer, tls] = /(incoming|outgoing) route '([^/']+)\/([^']+)' is now valid(.*)$/.exec(line) ?? []
    return ours !== domain ? [] : [{ way: way === 'incoming' ? 'in' : 'out', peer: peer ?? '', by: 'dialback', tls: tls?.includes('TLS') === true }]
  })
}

/** Its sessions tell of encryption, keys and success; of SASL the line before that of success. */
function ofProsody (domain: string, lines: readonly string[]): Authentication[] {
  const [encrypted, keyed] = [new Set<string>(), new Set<string>()]
  let sasl = ''
  return lines.flatMap((line): Authentication[] => {
    const [, who = '', says = ''] = /^\w+ \d+ [\d:]+ (\S+)\s+\w+\s+(.*)$/.exec(line) ?? []
    if (says.startsWith('Stream encrypted (TLS')) encrypted.add(who)
    if (/^asking \S+ if key \w+ belongs to them|^sent dialback key on outgoing/.test(says)) keyed.add(who)
    const [, host] = /^(?:Accepting SASL EXTERNAL identity from|SASL EXTERNAL with) (\S+)(?: succeeded)?$/.exec(says) ?? []
    if (host !== undefined) sasl = `${who} ${host}`
    const [, from, to, peer] = /^connection (\S+)->(\S+) is now authenticated for (\S+)$/.exec(says) ?? []
    if (from === undefined || to === undefined || peer === undefined || ![from, to].includes(domain)) return []
    const external = sasl === `${domain}:saslauth ${peer}`
    sasl = ''
    if (external === keyed.has(who)) throw new Error(`Prosody says '${says}', and ${external ? 'both a key and EXTERNAL' : 'nothing'} of how`)
    return [{ way: who.startsWith('s2sin') ? 'in' : 'out', peer, by: external ? 'EXTERNAL' : 'dialback', tls: encrypted.has(who) }]
  })
}
