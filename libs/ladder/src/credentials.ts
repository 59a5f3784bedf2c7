// Dialback secrets that an agent shares with a server.
import { createHash } from 'node:crypto'
import { DIGEST, secretPrint, secretTextOf } from '@dialtone/net'
import { keysOf, type Keys } from '@dialtone/stream'

/** Whose secret it is: each server makes its keys from another text of its configuration. */
export const SECRET_OWNERS = ['prosody', 'ejabberd', 'cups'] as const
export type SecretOwner = (typeof SECRET_OWNERS)[number]

/** More is something else, named by mistake. */
export const MOST_SECRET_BYTES = 4096
/** XEP-0185 §2 wants at least 128 bits of randomness. */
const SECRET_BYTES = 16

/**
 * The keys that are made from a secret, without the line break at its end. Of ejabberd the secret is the SHA-1 of the Erlang cookie in hex. Throws an
 * OperatorError on what would silently be another secret. The text itself is neither kept nor told; `warnings` are for people. `print`: tells equal
 * secrets from different ones where `salt` is the same, and nothing else.
 */
export function keysOfSecret (held: Buffer, named: string, of: SecretOwner = 'prosody'): { keys: Keys, warnings: string[], print: (salt: string) => string } {
  const text = secretTextOf(held, named)
  const bytes = Buffer.byteLength(text)
  const secret = of === 'ejabberd' ? createHash('sha1').update(text).digest('hex') : text
  return {
    keys: keysOf(secret, DIGEST),
    warnings: bytes >= SECRET_BYTES ? [] : [`${named} holds ${bytes} bytes; XEP-0185 wants 128 bits or more, since who guesses the secret can pass for the domain`],
    print: salt => secretPrint(secret, salt),
  }
}
