import { Resolver } from 'node:dns/promises'

/**
 * A preload (`--import`) that stands in for the name servers: `inside.example.com` is loopback; `rebind.example.com` is a public address
 * when it is asked for the first time and loopback from then on; all other names are public.
 */
const seen = new Set<string>()

Resolver.prototype.resolve4 = ((name: string) => {
  const isFirst = !seen.has(name)
  seen.add(name)
  const inside = name === 'inside.example.com' || (name === 'rebind.example.com' && !isFirst)
  return Promise.resolve([inside ? '127.0.0.1' : '93.184.215.14'])
}) as typeof Resolver.prototype.resolve4
Resolver.prototype.resolve6 = (() =>
  Promise.reject(Object.assign(new Error('no such record'), { code: 'ENODATA' }))) as typeof Resolver.prototype.resolve6
