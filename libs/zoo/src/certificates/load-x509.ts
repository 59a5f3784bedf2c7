/**
 * Loads @peculiar/x509 when the first certificate is needed. Its container asks for the metadata reflection API
 * (https://rbuckton.github.io/reflect-metadata) before it loads: four functions over a map. A real implementation is left alone.
 */

import type * as X509 from '@peculiar/x509'

type Library = typeof X509
type Metadata = {
  defineMetadata: (key: unknown, value: unknown, target: object) => void
  getOwnMetadata: (key: unknown, target: object) => unknown
  getMetadata: (key: unknown, target: object) => unknown
  hasOwnMetadata: (key: unknown, target: object) => boolean
}

let loading: Promise<Library> | undefined

/** The library, with Node's WebCrypto as its engine. */
export function loadX509 (): Promise<Library> {
  loading ??= load()
  return loading
}

async function load (): Promise<Library> {
  provideMetadata(Reflect as Partial<Metadata>)
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(globalThis.crypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0])
  return x509
}

function provideMetadata (reflect: Partial<Metadata>): void {
  const known = new WeakMap<object, Map<unknown, unknown>>()
  reflect.defineMetadata ??= (key, value, target) => {
    const entries = known.get(target) ?? new Map<unknown, unknown>()
    known.set(target, entries.set(key, value))
  }
  reflect.getOwnMetadata ??= (key, target) => known.get(target)?.get(key)
  reflect.hasOwnMetadata ??= (key, target) => known.get(target)?.has(key) ?? false
  reflect.getMetadata ??= (key, target) => {
    for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
      const entries = known.get(at)
      if (entries?.has(key) === true) return entries.get(key)
    }
    return undefined
  }
}
