/**
 * One rendering of all metrics: lines are gathered into pieces, and between slices of a few milliseconds the event loop gets its turn. A
 * scrape that comes while another is being rendered gets the same text, so that a crowd of scrapers costs one rendering.
 */
import { setImmediate as turn } from 'node:timers/promises'

/** How long one slice may take before the event loop gets its turn, and after how many lines the clock is looked at. */
const SLICE_MS = 5
const LINES = 64
/** Characters of a piece. */
const PIECE = 65_536
/** Renderings that may be alive, held by readers that take their time. One more reader gets the newest of them. */
const MOST_ALIVE = 4

export type Renderer = { read: () => AsyncIterable<string> }

/** What is to be said: `first` is fetched, `lines` are computed as they are read. */
export type Rendered = { first: () => Promise<string>, lines: () => Iterable<string> }

export function createRenderer (rendered: Rendered): Renderer {
  let newest: Rendering | undefined
  let alive = 0

  function join (): Rendering {
    if (newest === undefined || (newest.done && alive < MOST_ALIVE)) {
      newest = begin(rendered)
      alive += 1
    }
    newest.readers += 1
    return newest
  }
  function leave (mine: Rendering): void {
    mine.readers -= 1
    if (mine.readers > 0) return
    alive -= 1
    if (newest === mine) newest = undefined
  }

  async function * read (): AsyncGenerator<string> {
    const mine = join()
    try {
      for (let at = 0; ; at++) {
        while (at >= mine.pieces.length && !mine.done) await mine.more
        if (mine.failure !== undefined) throw mine.failure.error
        const piece = mine.pieces[at]
        if (piece === undefined) return
        yield piece
      }
    } finally {
      leave(mine)
    }
  }
  return { read }
}

type Rendering = { pieces: string[], done: boolean, failure?: { error: unknown }, readers: number, more: Promise<void>, wake: () => void }

function begin (rendered: Rendered): Rendering {
  const rendering: Rendering = { pieces: [], done: false, readers: 0, more: Promise.resolve(), wake: () => undefined }
  arm(rendering)
  void render(rendered, rendering).catch((error: unknown) => { rendering.failure = { error } }).finally(() => {
    rendering.done = true
    rendering.wake()
  })
  return rendering
}

async function render ({ first, lines }: Rendered, rendering: Rendering): Promise<void> {
  const held = [await first()]
  let size = 0
  let count = 0
  let began = performance.now()
  for (const line of lines()) {
    held.push(line)
    size += line.length
    if (size >= PIECE) {
      publish(rendering, held)
      size = 0
    }
    if (++count % LINES !== 0 || performance.now() - began < SLICE_MS) continue
    await turn()
    // Every reader went away: nobody waits for the rest.
    if (rendering.readers === 0) return
    began = performance.now()
  }
  rendering.pieces.push(held.join(''))
}

function publish (rendering: Rendering, held: string[]): void {
  rendering.pieces.push(held.join(''))
  held.length = 0
  rendering.wake()
  arm(rendering)
}

function arm (rendering: Rendering): void {
  rendering.more = new Promise(resolve => { rendering.wake = resolve })
}
