/**
 * The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt §2): what a proxy in front says of who connected to it, before the first byte of
 * the connection itself. Whether the proxy may say so is asked elsewhere. Only TCP is taken; `LOCAL` and `UNKNOWN` are the proxy's own connections.
 */
import { isIP } from 'node:net'

/** `more`: the header goes on. `length` bytes are the header; `source` is absent for the proxy's own connection. */
export type ProxyHeader = { more: true } | { invalid: string } | { length: number, source?: { address: string, port: number } }

const SIGNATURE = Buffer.from([0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A])
/** Version 1 is one line of at most 107 bytes; version 2 has addresses and what else the proxy tells, of which we take this much. */
const LINE = 107
const MOST = 2048

/** Reads the beginning of a connection. Linear, bounded; never throws. */
export function readProxyHeader (bytes: Buffer): ProxyHeader {
  const shared = Math.min(bytes.length, SIGNATURE.length)
  if (bytes.subarray(0, shared).equals(SIGNATURE.subarray(0, shared))) return bytes.length < 16 ? { more: true } : version2(bytes)
  return version1(bytes)
}

function version1 (bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, LINE).indexOf('\r\n')
  const begin = 'PROXY '
  if (bytes.toString('latin1', 0, Math.min(begin.length, bytes.length)) !== begin.slice(0, bytes.length)) return { invalid: 'no PROXY header' }
  if (end === -1) return bytes.length >= LINE ? { invalid: 'a PROXY line of more than 107 bytes' } : { more: true }
  const length = end + 2
  const [, family, address = '', , port = '', , ...rest] = bytes.toString('latin1', 0, end).split(' ')
  if (family === 'UNKNOWN') return { length }
  const wanted = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : 0
  if (wanted === 0 || isIP(address) !== wanted || !/^\d{1,5}$/.test(port) || Number(port) > 65_535 || rest.length > 0) return { invalid: 'a PROXY line that is none' }
  return { length, source: { address, port: Number(port) } }
}

function version2 (bytes: Buffer): ProxyHeader {
  const [version, command] = [(bytes[12] as number) >> 4, (bytes[12] as number) & 15]
  const [family, transport] = [(bytes[13] as number) >> 4, (bytes[13] as number) & 15]
  const length = 16 + bytes.readUInt16BE(14)
  if (version !== 2 || command > 1) return { invalid: 'a PROXY header of an unknown version or command' }
  if (length > MOST) return { invalid: `a PROXY header of more than ${MOST} bytes` }
  if (bytes.length < length) return { more: true }
  if (command === 0) return { length }
  if (transport !== 1 || (family !== 1 && family !== 2)) return { invalid: 'a PROXY header for something else than TCP' }
  const size = family === 1 ? 4 : 16
  if (length < 16 + 2 * size + 4) return { invalid: 'a PROXY header without its addresses' }
  const raw = bytes.subarray(16, 16 + size)
  const address = family === 1 ? raw.join('.') : Array.from({ length: 8 }, (_, at) => raw.readUInt16BE(2 * at).toString(16)).join(':')
  return { length, source: { address, port: bytes.readUInt16BE(16 + 2 * size) } }
}
