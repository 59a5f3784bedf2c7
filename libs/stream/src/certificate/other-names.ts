// Forms of GeneralName that S2S does not use (RFC 5280 §4.2.1.6), by their tag.
export type OtherName = 'email' | 'x400' | 'directory' | 'edi' | 'uri' | 'address' | 'registered-id' | 'other-name'

export const OTHER_NAMES: Record<number, OtherName | undefined> = { 0x81: 'email', 0xA3: 'x400', 0xA4: 'directory', 0xA5: 'edi', 0x86: 'uri', 0x87: 'address', 0x88: 'registered-id' }
