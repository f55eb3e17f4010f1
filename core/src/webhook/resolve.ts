import { lookup, Resolver } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { type GuardOptions, refuseAddress } from './guard.ts'

/** Every address of a name; empty or a rejection when it has none. */
export type Resolve = (hostname: string) => Promise<string[]>

/** Thrown inside a connect: the name leads to an address that may not be called. */
export class RefusedAddress extends Error {
  readonly code = 'ADDRESS_REFUSED'
}

/**
 * Asks the name servers directly. Public names need no more, and `getaddrinfo` would: it holds one of the process's few pool threads for as
 * long as a dead name server takes, so that one endpoint's broken DNS would delay all others (and the files).
 * Where private addresses are allowed the system's own lookup is used, because it knows the hosts file.
 */
export function systemResolve({ allowPrivate }: GuardOptions): Resolve {
  const viaSystem: Resolve = async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address)
  if (allowPrivate) return viaSystem
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length > 0) return addresses
    const failure = answers.find((answer) => answer.status === 'rejected')?.reason as { code?: string } | undefined
    // No name server that this resolver can read about: the system may know another way.
    if (failure?.code === 'ECONNREFUSED') return viaSystem(hostname)
    throw failure ?? new Error('no address')
  }
}

/** Why a host may not be called now, every address of it considered, or null. A name that does not resolve is not refused here. */
export async function refuseHost(hostname: string, resolve: Resolve, options: GuardOptions): Promise<string | null> {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '')
  if (ipaddr.isValid(host)) return refuseAddress(host, options)
  const addresses = await resolve(host).catch((): string[] => [])
  return addresses.map((address) => refuseAddress(address, options)).find((why) => why !== null) ?? null
}

/**
 * A `lookup` for sockets that hands over only checked addresses: what was checked is what is connected to, so a name that changes its answer
 * in between gains nothing. One bad address among good ones refuses them all.
 */
export function guardedLookup(resolve: Resolve, options: GuardOptions): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const why = addresses.map((address) => refuseAddress(address, options)).find((reason) => reason !== null)
        if (why) return callback(new RefusedAddress(why), '', 0)
        const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        const first = found[0]
        if (!first) return callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 0)
        return lookupOptions.all ? callback(null, found) : callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    )
  }
}
