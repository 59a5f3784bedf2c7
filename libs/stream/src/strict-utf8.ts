// UTF-8 from places that no framer has proved: certificates, base64. Overlong forms, surrogates and cut sequences are refused.

/** The text, or undefined when the bytes are no UTF-8. */
export function strictUtf8 (bytes: Uint8Array, from = 0, to = bytes.length): string | undefined {
  let escaped = ''
  for (let at = from; at < to; at++) escaped += `%${(bytes[at] as number).toString(16).padStart(2, '0')}`
  try {
    return decodeURIComponent(escaped)
  } catch {
    return undefined
  }
}
