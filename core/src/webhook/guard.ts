import ipaddr from 'ipaddr.js'

export interface GuardOptions {
  /** `true`: every address may be called (tests, an operator's own network). */
  readonly allowPrivate: boolean
}

/** IPv4 blocks nobody on the public internet answers from (IANA special-purpose registry), and clouds' own metadata addresses. */
const blocks4: readonly (readonly [cidr: string, why: string])[] = [
  ['169.254.169.254/32', 'metadata'],
  ['168.63.129.16/32', 'metadata'],
  ['100.100.100.200/32', 'metadata'],
  ['192.0.0.192/32', 'metadata'],
  ['0.0.0.0/8', 'unspecified'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'documentation'],
  ['192.31.196.0/24', 'reserved'],
  ['192.52.193.0/24', 'reserved'],
  ['192.88.99.0/24', 'reserved'],
  ['192.168.0.0/16', 'private'],
  ['192.175.48.0/24', 'reserved'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['240.0.0.0/4', 'reserved'],
]

/** Names for what is refused; whatever else lies outside 2000::/3 is refused as reserved. */
const blocks6: readonly (readonly [cidr: string, why: string])[] = [
  ['fd00:ec2::254/128', 'metadata'],
  ['::1/128', 'loopback'],
  ['::/128', 'unspecified'],
  ['::ffff:0:0/96', 'IPv4 in IPv6'],
  ['::ffff:0:0:0/96', 'IPv4 in IPv6'],
  ['::/96', 'IPv4 in IPv6'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private'],
  ['fc00::/7', 'private'],
  ['ff00::/8', 'multicast'],
  ['2002::/16', '6to4'],
  ['2001::/32', 'Teredo'],
  ['2001:2::/48', 'benchmarking'],
  ['2001::/23', 'reserved'],
  ['2001:db8::/32', 'documentation'],
  ['3fff::/20', 'documentation'],
  ['2620:4f:8000::/48', 'reserved'],
]

const ranges4 = blocks4.map(([cidr, why]) => ({ range: ipaddr.IPv4.parseCIDR(cidr), why }))
const ranges6 = blocks6.map(([cidr, why]) => ({ range: ipaddr.IPv6.parseCIDR(cidr), why }))
const globalUnicast6 = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Why this IP address may not be called, or null when it may. Refuses whatever is not plain public unicast: loopback, private, link-local,
 * carrier NAT, metadata, documentation, benchmarking, multicast, broadcast, reserved, unspecified, unique-local, and every form of IPv4
 * inside IPv6 (also around a public IPv4: a translator we do not see decides where that goes). Text that is no address is refused.
 */
export function refuseAddress(ip: string, { allowPrivate }: GuardOptions): string | null {
  if (!ipaddr.isValid(ip)) return 'the address is not an IP address'
  if (allowPrivate) return null
  const address = ipaddr.parse(ip)
  if (address instanceof ipaddr.IPv4) {
    const hit = ranges4.find(({ range }) => address.match(range))
    return hit ? `the address is not public (${hit.why})` : null
  }
  if (address.zoneId) return 'the address is not public (link-local)'
  const hit = ranges6.find(({ range }) => address.match(range))
  if (hit) return `the address is not public (${hit.why})`
  if (!address.match(globalUnicast6)) return 'the address is not public (reserved)'
  // ISATAP (RFC 5214 §6.1) hides an IPv4 address in the interface id of any prefix.
  if ((address.parts[4] === 0 || address.parts[4] === 0x200) && address.parts[5] === 0x5efe) return 'the address is not public (IPv4 in IPv6)'
  return null
}

/** Top-level names that never belong to a public host (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal), and clouds' metadata names. */
const privateSuffixes = ['localhost', 'localdomain', 'internal', 'local', 'lan', 'intranet', 'home.arpa']
const urlLengthMax = 2048

/**
 * Why this URL may not be called, or null when it may as far as its spelling tells: http or https, no credentials, no private host in any
 * spelling (the URL standard's parser turns decimal, octal, hex, short, full-width and percent-encoded digits into one form first).
 * A name is not resolved here: the addresses behind it are checked with `refuseAddress` at connect time.
 */
export function refuseUrl(text: string, options: GuardOptions): string | null {
  if (text.length > urlLengthMax) return `the URL is longer than ${urlLengthMax} characters`
  if ([...text].some((char) => char <= ' ' || char === '\u007f' || char === '\\')) return 'the URL holds spaces, control characters or backslashes'
  const url = URL.parse(text)
  if (url === null) return 'the URL is not valid'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'the URL must begin with https:// or http://'
  if (url.username !== '' || url.password !== '') return 'the URL must not hold credentials'
  if (options.allowPrivate) return null
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '')
  if (ipaddr.isValid(host)) return refuseAddress(host, options)
  if (!host.includes('.')) return 'the host is not a public name'
  if (privateSuffixes.some((suffix) => host.endsWith(`.${suffix}`))) return 'the host is not a public name'
  return null
}
