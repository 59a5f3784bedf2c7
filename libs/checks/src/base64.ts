/** Base64 to bytes, for certificates of an observation. What is no base64 gives an empty array. */
export function fromBase64 (text: string): Uint8Array {
  const bare = text.replace(/=+$/, '')
  const bytes = new Uint8Array(Math.floor(bare.length * 3 / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (const character of bare) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) return new Uint8Array(0)
    bits = (bits << 6) | value
    held += 6
    if (held >= 8) bytes[at++] = (bits >> (held -= 8)) & 0xFF
  }
  return bytes
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
