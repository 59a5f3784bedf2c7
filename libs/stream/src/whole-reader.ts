/**
 * First-level elements that lie whole in the data, in one go: nearly all that a busy stream carries. Accepts nothing that the lexer does not, and
 * leaves to it what is cut, wrong, over a limit or seldom: then it answers 0, and the lexer reads the element from its beginning. So no byte is
 * looked at more than twice, and once more of an element that was cut when somebody asks whether it is canonical.
 *
 * On the way it proves whether the bytes are what `serialise` would write for the element on a stream with our own header (invariant I4 of the
 * gateway, as in architecture.md, 'Trust and zones'): then they may leave as they are. That rests on every spelling having been seen here, so
 * each of them is either ours or counts against it.
 */
import { NAME_START_BYTE, pastCharacters } from './characters.ts'
import type { Limits } from './limits.ts'
import { DIALBACK, SERVER, STREAMS } from './namespaces.ts'
import { Nesting } from './nesting.ts'
import type { Runs } from './runs.ts'
import { isOwnReference, pastReference } from './reference.ts'
import type { Scope } from './scope.ts'
import { namespaceOf, tagProblem } from './tag-rules.ts'
import { NOTHING, PREFIXES, Tag } from './tag.ts'

const LT = 0x3C, GT = 0x3E, SLASH = 0x2F, AMPERSAND = 0x26, BRACKET = 0x5D, QUOTE = 0x22, APOSTROPHE = 0x27, RETURN = 0x0D, LINE = 0x0A, TAB = 0x09

export class WholeReader {
  /** Of the last element that was read: its start tag, its namespace, and whether it is spelled as `serialise` spells it. */
  readonly first: Tag
  namespace = ''
  own = false

  private readonly inner: Tag
  private readonly nesting = new Nesting()
  private readonly scope: Scope
  private readonly runs: Runs

  /** `scope` is the reader's alone; around it is what the stream header declares. `runs` looks at the data that is read. */
  constructor (scope: Scope, runs: Runs) {
    this.scope = scope
    this.runs = runs
    this.first = new Tag(runs)
    this.inner = new Tag(runs)
  }

  /** The position after the element that begins at data[at], if it ends before `n`; else 0. */
  read (data: Uint8Array, at: number, n: number, limits: Limits): number {
    const { scope, nesting, runs } = this
    const room = at + limits.elementBytes
    const end = (room < n ? room : n) | 0
    let tag = this.first
    let own = scope.outerDefault === SERVER ? 1 : 0
    let elements = 0
    let opened = 0
    let i = at
    nesting.depth = 0
    scope.reset()
    for (;;) {
      // Here data[i] is a '<'.
      if (i + 1 >= end) return 0
      const c = data[i + 1] as number
      if (c === SLASH) {
        // <a></a> is not how an empty element is written.
        if (i === opened) own = 0
        i = nesting.pastEndTag(data, at, i + 2, end)
        if (i === 0) return 0
        nesting.depth--
        if (scope.declared > 0) scope.leave(nesting.depth)
      } else {
        const { depth } = nesting
        if (NAME_START_BYTE[c] === 0 || ++elements > limits.elements || depth >= limits.depth) return 0
        i = tag.readPlain(data, at, i + 1, end, limits)
        if (i === 0 || tagProblem(tag, scope, data, at, depth + 1, limits) !== undefined) return 0
        own &= tag.own
        if (tag.special !== NOTHING && own === 1 && (tag.special === PREFIXES || !isOwnDeclaration(scope, data, at))) own = 0
        if (depth === 0) {
          this.namespace = tag.special === NOTHING ? scope.outerDefault : namespaceOf(tag, scope, data, at)
          tag = this.inner
        }
        if (!this.isEmpty(depth)) {
          nesting.push(depth === 0 ? this.first.nameStart : tag.nameStart, depth === 0 ? this.first.nameEnd : tag.nameEnd)
          opened = i
        } else if (scope.declared > 0) scope.leave(depth)
      }
      if (nesting.depth === 0) {
        this.own = own === 1
        return i
      }

      for (;;) {
        i = runs.past(data, i, end)
        if (i >= end) return 0
        const seldom = data[i] as number
        if (seldom === LT) break
        if (seldom >= 0x80) {
          const past = pastCharacters(data, i, end)
          if (past === i) return 0
          i = past
        } else if (seldom === AMPERSAND) {
          const past = pastReference(data, i, end)
          if (past === i) return 0
          if (!isOwnReference(data, i, past, false)) own = 0
          i = past
        } else if (seldom === LINE || seldom === TAB) i++
        else {
          if (seldom !== QUOTE && seldom !== APOSTROPHE && seldom !== RETURN && (seldom !== GT || (data[i - 1] === BRACKET && data[i - 2] === BRACKET))) return 0
          own = 0
          i++
        }
      }
    }
  }

  private isEmpty (depth: number): boolean {
    return depth === 0 ? this.first.empty : this.inner.empty
  }
}

/** Whether the declaration of the default namespace that was made last is one that `serialise` makes: needed, and of no namespace that has a prefix on our header. */
function isOwnDeclaration (scope: Scope, data: Uint8Array, base: number): boolean {
  return !scope.lastRepeats(data, base, SERVER) && !scope.lastIs(data, base, STREAMS) && !scope.lastIs(data, base, DIALBACK)
}
