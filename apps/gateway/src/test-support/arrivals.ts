/**
 * What was sent and what came of it, stanza by stanza: every stanza names the stream that its sender sent it on and its number there, so that what a receiver counts can be held
 * against what the gateway of that time says. A number is sent once; what comes twice was doubled by the gateway.
 *
 * Order is that of one stream (RFC 6120 §10.1): two streams of one pair, of which one was cut, are two orders.
 */
export type SentPair = { from: string, to: string }
export type Sent = {
  serial: number
  pair: SentPair
  /** Of the gateway that the stream was opened to. */
  life: number
  /** Written to the stream, whether or not the gateway has read it. */
  sent: number
  seen: Set<number>
  /** Errors that came back. */
  returned: Set<number>
  highest: number
}
export type Account = { sent: number, received: number, doubled: number, reordered: number, returned: number, /** Received, and returned as an error, too. */ both: number }

/** Four words of a message: who, to whom, on which stream, which number. */
const MARK = /#(\d+)\.(\d+)#/
const ID = /\sid=['"]n(\d+)-(\d+)['"]/

export class Arrivals {
  private readonly streams: Sent[] = []
  private readonly doubledBy = new Map<Sent, number>()
  private readonly reorderedBy = new Map<Sent, number>()
  private readonly lifeOf = new Map<string, number>()
  private readonly twice: string[] = []
  private readonly unsettled = new Set<string>()
  /** Those of a pair that came after one that was sent to a later gateway. */
  late = 0
  /** What nobody sent, or not to them. */
  readonly strange: string[] = []

  begin (pair: SentPair, life: number): Sent {
    const stream: Sent = { serial: this.streams.length, pair, life, sent: 0, seen: new Set(), returned: new Set(), highest: -1 }
    this.streams.push(stream)
    return stream
  }

  /** The next message of a stream. Some are spelled as the gateway does not spell, so that they take its other way. */
  render (stream: Sent): string {
    const { serial, pair: { from, to } } = stream
    const number = stream.sent++
    const quote = number % 5 === 4 ? '"' : '\''
    return `<message from=${quote}a@${from}/x${quote} to=${quote}b@${to}${quote} id=${quote}n${serial}-${number}${quote}><body>#${serial}.${number}#${FILLER.slice(0, 20 + number * 31 % 230)}</body></message>`
  }

  /** A whole stanza came to the server of `to`. Its mark, if it is none that was returned. */
  arrived (text: string): string | undefined {
    const [tag = ''] = /^<[^>]*>/.exec(text) ?? []
    const returned = /\stype=['"]error['"]/.test(tag)
    const match = (returned ? ID : MARK).exec(returned ? tag : text)
    this.came(tag, match, returned)
    return returned ? undefined : match?.[0]
  }

  /** Their receiver cannot know that the gateway has heard of their arrival: they may come once more. */
  leave (marks: Iterable<string>): void {
    for (const mark of marks) this.unsettled.add(mark)
  }

  /** Those that came twice and had no reason to. */
  get unexplained (): readonly string[] { return this.twice.filter(mark => !this.unsettled.has(mark)) }

  account (of: (stream: Sent) => boolean): Account {
    const account: Account = { sent: 0, received: 0, doubled: 0, reordered: 0, returned: 0, both: 0 }
    for (const stream of this.streams) {
      if (!of(stream)) continue
      account.sent += stream.sent
      account.received += stream.seen.size
      account.returned += stream.returned.size
      account.doubled += this.doubledBy.get(stream) ?? 0
      account.reordered += this.reorderedBy.get(stream) ?? 0
      for (const number of stream.returned) if (stream.seen.has(number)) account.both++
    }
    return account
  }

  private came (tag: string, match: RegExpExecArray | null, returned: boolean): void {
    const stream = this.streams[Number(match?.[1])]
    const number = Number(match?.[2])
    const [from, to] = returned ? ['to', 'from'] as const : ['from', 'to'] as const
    if (stream === undefined || !(number < stream.sent) || domainIn(tag, from) !== stream.pair.from || domainIn(tag, to) !== stream.pair.to) {
      if (this.strange.length < 20) this.strange.push(tag)
      return
    }
    if (returned) stream.returned.add(number)
    else if (stream.seen.has(number)) {
      this.doubledBy.set(stream, (this.doubledBy.get(stream) ?? 0) + 1)
      this.twice.push(match?.[0] ?? '')
    } else {
      stream.seen.add(number)
      const pair = `${stream.pair.from} ${stream.pair.to}`
      if (stream.life < (this.lifeOf.get(pair) ?? 0)) this.late++
      else this.lifeOf.set(pair, stream.life)
      if (number < stream.highest) this.reorderedBy.set(stream, (this.reorderedBy.get(stream) ?? 0) + 1)
      else stream.highest = number
    }
  }
}

const FILLER = ' the quick brown fox jumps over the lazy dog'.repeat(6)

function domainIn (tag: string, attribute: string): string {
  return new RegExp(`\\s${attribute}=['"](?:[^'"@]*@)?([^'"/]*)`).exec(tag)?.[1] ?? ''
}
