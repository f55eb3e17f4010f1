import { lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { refuseAddress } from '../webhook/guard.ts'

/** The guard said no: the connection was never opened. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED'
}

export interface ConnectGuard {
  /** Throws AddressRefused when `host` is itself an address that may not be called: node never looks those up. */
  checkHost(host: string): void
  /** `dns.lookup` that answers only addresses that may be called. */
  readonly lookup: LookupFunction
}

/**
 * Checks addresses when connecting, not before: a name may answer differently the second time (DNS rebinding).
 * Of several addresses those that are refused are left out; when none is left, the connection fails.
 */
export function createConnectGuard({ allowPrivate }: { allowPrivate: boolean }): ConnectGuard {
  return {
    checkHost(host) {
      const bare = host.replace(/^\[|\]$/g, '')
      const why = isIP(bare) === 0 ? null : refuseAddress(bare, { allowPrivate })
      if (why !== null) throw new AddressRefused(why)
    },
    lookup(hostname, options, callback) {
      resolve(hostname, { ...options, all: true }, (error, found) => {
        if (error) return callback(error, [])
        const allowed = found.filter(({ address }) => refuseAddress(address, { allowPrivate }) === null)
        const first = allowed[0]
        if (first === undefined) return callback(new AddressRefused(`${hostname} leads to no address that may be called`), [])
        if (options.all) return callback(null, allowed)
        callback(null, first.address, first.family)
      })
    },
  }
}

/** The connector of an undici Agent that goes only where it may. */
export function createGuardedConnector({ allowPrivate, timeoutMs }: { allowPrivate: boolean; timeoutMs: number }): buildConnector.connector {
  const guard = createConnectGuard({ allowPrivate })
  const connect = buildConnector({ timeout: timeoutMs, lookup: guard.lookup })
  return (options, callback) => {
    try {
      guard.checkHost(options.hostname)
    } catch (error) {
      callback(error instanceof Error ? error : new AddressRefused(String(error)), null)
      return
    }
    connect(options, callback)
  }
}
