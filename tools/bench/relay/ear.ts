// What a peer of a bench reads while a stream is negotiated: text, in order, nothing lost between two questions.
import type { Socket } from 'node:net'

const PATIENCE_MS = 60_000

export type Ear = {
  /** All up to the end of the first match; what follows stays for the next. Throws when the other side closes, or says nothing for a minute. */
  until: (pattern: RegExp) => Promise<string>
  /** Ends the listening: the socket is paused, what was not asked for is returned. */
  off: () => string
}

export function listenTo (socket: Socket): Ear {
  let [heard, closed] = ['', false]
  let check: () => void = () => undefined
  const onData = (bytes: Buffer): void => {
    heard += bytes.toString('utf8')
    check()
  }
  const onClose = (): void => {
    closed = true
    check()
  }
  socket.on('data', onData).once('close', onClose).once('end', onClose)
  return {
    until: pattern => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing like ${String(pattern)} within a minute; heard: ${heard}`)), PATIENCE_MS)
      check = () => {
        const match = pattern.exec(heard)
        if (match === null && !closed) return
        clearTimeout(timer)
        check = () => undefined
        if (match === null) {
          reject(new Error(`the stream was closed before ${String(pattern)}; heard: ${heard}`))
          return
        }
        const end = match.index + match[0].length
        resolve(heard.slice(0, end))
        heard = heard.slice(end)
      }
      check()
    }),
    off: () => {
      socket.pause()
      socket.off('data', onData).off('close', onClose).off('end', onClose)
      return heard
    },
  }
}

/** The value of an attribute in the text of one tag; '' without it. */
export function attributeOf (tag: string, name: string): string {
  return new RegExp(`\\s${name}=(?:'([^']*)'|"([^"]*)")`).exec(tag)?.slice(1).find(value => value !== undefined) ?? ''
}
