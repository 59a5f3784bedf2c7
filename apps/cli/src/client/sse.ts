// Server-sent events out of text as it arrives (HTML Living Standard §9.2.6): the fields `id`, `event` and `data`; comments are heart-beats.

export type ServerEvent = { id?: string, event: string, data: string }

/** An event may have so many characters; a longer one is an error of the server's. */
const MOST = 8 * 1024 * 1024

/** Feed it text; it calls back for every event and every comment. Throws a RangeError over the limit. */
export function eventReader (hear: (event: ServerEvent) => void, beat: () => void): (text: string) => void {
  let pending = ''
  let id: string | undefined
  let event = ''
  let data: string[] = []
  const line = (text: string) => {
    if (text === '') {
      if (data.length > 0) hear({ ...(id === undefined ? {} : { id }), event: event === '' ? 'message' : event, data: data.join('\n') })
      event = ''
      data = []
      return
    }
    const colon = text.indexOf(':')
    if (colon === 0) return beat()
    const [field, value] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1).replace(/^ /, '')]
    if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return text => {
    pending += text
    const lines = pending.split(/\r\n|\n|\r(?!$)/)
    pending = lines.pop() ?? ''
    if (pending.length + data.reduce((sum, part) => sum + part.length, 0) > MOST) throw new RangeError(`an event has more than ${MOST} characters`)
    for (const one of lines) line(one)
  }
}
