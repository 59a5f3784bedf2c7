/**
 * Dialback keys (XEP-0185 §2): HMAC-SHA256 over the two domains and the stream's id, with the hex text of the secret's digest as its key. Stateless:
 * every node that has the secret gives the same answer. Keys of other servers are opaque, since not every server makes them this way.
 */
import type { Digest } from '@dialtone/kernel'

/** What a key is bound to. `receiving` is the server that the key is sent to, `originating` the one in whose name; canonical domains. */
export type KeyScope = { receiving: string, originating: string, streamId: string }

/** Computes and recognises the keys of one secret. The secret itself is not kept. */
export type Keys = {
  /** 64 hex digits. */
  keyFor: (scope: KeyScope) => string
  /** Whether `key` is ours for this scope; in constant time for keys of the right length. */
  isOurs: (key: string, scope: KeyScope) => boolean
}

/** `secret`: text of any length, as the server that shares it has it in its configuration. */
export function keysOf (secret: string, digest: Digest): Keys {
  const hmacKey = digest.sha256(secret)
  // Spaces part what no canonical domain can hold, so that no two scopes give one text (CVE-2016-0756).
  const keyFor = ({ receiving, originating, streamId }: KeyScope): string => digest.hmacSha256(hmacKey, `${receiving} ${originating} ${streamId}`)
  return { keyFor, isOurs: (key, scope) => digest.same(key, keyFor(scope)) }
}
