import { describe, expect, it, test } from 'vitest'
import { refuseAddress, refuseUrl } from './guard.ts'

const strict = { allowPrivate: false }

const refusedUrls = [
  // IPv4 loopback, however it is written
  'http://127.0.0.1/',
  'http://127.1/',
  'http://127.0.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.1/',
  'http://0177.0.0.1/',
  'http://0177.1/',
  'http://017700000001/',
  'http://0x7f.0x0.0x0.0x1/',
  'http://127.0.0.1./',
  'http://127.255.255.254/',
  'http://0/',
  'http://0.0.0.0/',
  'http://１２７.０.０.１/',
  'http://127。0。0。1/',
  'http://%31%32%37.0.0.1/',
  'http://①②⑦.0.0.1/',
  'http://127.0.0.1:8080/',
  'http://0x7F.0.0.01/',
  // Other IPv4 ranges
  'http://10.0.0.1/',
  'http://10.1/',
  'http://167772161/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.1.1/',
  'http://192.168.257/',
  'http://0xc0a80101/',
  'http://169.254.169.254/latest/meta-data',
  'http://169.254.1/',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://0251.0376.0251.0376/',
  'http://100.64.0.1/',
  'http://100.127.255.255/',
  'http://100.100.100.200/',
  'http://168.63.129.16/',
  'http://192.0.2.1/',
  'http://198.51.100.7/',
  'http://203.0.113.9/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://240.0.0.1/',
  'http://192.0.0.192/',
  'http://192.88.99.1/',
  // IPv6
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://[::ffff:0:127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[64:ff9b::10.0.0.1]/',
  'http://[64:ff9b:1::a00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2002:a9fe:a9fe::1]/',
  'http://[2001:0:53aa:64c:0:fff:f5ff:fffe]/',
  'http://[fe80::1]/',
  'http://[fe80::1%25eth0]/',
  'http://[fe80::1%eth0]/',
  'http://[fd00:ec2::254]/',
  'http://[fc00::1]/',
  'http://[fdff::1]/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
  'http://[3fff::1]/',
  'http://[100::1]/',
  'http://[fec0::1]/',
  'http://[2001:2::1]/',
  'http://[5f00::1]/',
  'http://[2a00:1450::5efe:a00:1]/',
  'http://[2a00:1450::200:5efe:a00:1]/',
  // Names
  'http://localhost/',
  'http://LOCALHOST/',
  'http://localhost./',
  'http://localhost:3000/',
  'http://api.localhost/',
  'http://a.b.localhost./',
  'http://ｌｏｃａｌｈｏｓｔ/',
  'http://%6c%6fcalhost/',
  'http://metadata.google.internal/',
  'http://metadata/',
  'http://instance-data/',
  'http://printer.local/',
  'http://db.internal./',
  'http://router.lan/',
  'http://intranet/',
  'http://nas.home.arpa/',
  'http://host.docker.internal/',
  'http://localhost.localdomain/',
  // Not a URL that may be called at all
  'ftp://example.com/',
  'file:///etc/passwd',
  'gopher://example.com/',
  'javascript:alert(1)',
  '//example.com',
  'example.com',
  '',
  'http://',
  'https://user:pass@example.com/',
  'https://user@example.com/',
  'http://example.com\\@127.0.0.1/',
  'http:\\\\example.com',
  ' https://example.com/',
  'https://exa\nmple.com/',
  'https://exam\tple.com/',
  'http://1.2.3.4.5/',
  'http://256.256.256.256/',
  `https://example.com/${'a'.repeat(2050)}`,
]

test.each(refusedUrls)('refuses %s', (url) => {
  expect(refuseUrl(url, strict)).toBeTypeOf('string')
})

test.each([
  'https://example.com/hook',
  'http://example.com',
  'https://example.com:8443/a?b=c#d',
  'https://hooks.example.co.uk./x',
  'https://8.8.8.8/',
  'https://1.1.1.1:444/',
  'http://134744072/',
  'https://[2606:4700:4700::1111]/',
  'https://bücher.example/',
  'https://internal.example.com/',
  'https://local.example.com/',
  'https://localhost.example.com/',
  'https://172.32.0.1/',
  'https://100.128.0.1/',
  'https://11.0.0.1/',
  'https://192.169.0.1/',
  'https://example.com/@127.0.0.1',
  'https://EXAMPLE.com',
])('allows %s', (url) => {
  expect(refuseUrl(url, strict)).toBeNull()
})

describe('with private addresses allowed', () => {
  const open = { allowPrivate: true }

  test.each(['http://127.0.0.1:9/', 'http://localhost/', 'http://[::1]/', 'http://169.254.169.254/', 'http://mac.local:1234/', 'http://intranet/'])(
    'allows %s',
    (url) => {
      expect(refuseUrl(url, open)).toBeNull()
    },
  )

  test.each(['ftp://127.0.0.1/', 'file:///x', 'nonsense', 'http://u:p@127.0.0.1/'])('still refuses %s', (url) => {
    expect(refuseUrl(url, open)).toBeTypeOf('string')
  })
})

describe('addresses', () => {
  const cases: [string, string][] = [
    ['127.0.0.1', 'loopback'],
    ['127.9.9.9', 'loopback'],
    ['10.2.3.4', 'private'],
    ['172.20.0.1', 'private'],
    ['192.168.0.1', 'private'],
    ['169.254.10.10', 'link-local'],
    ['100.64.1.1', 'carrier NAT'],
    ['169.254.169.254', 'metadata'],
    ['192.0.2.55', 'documentation'],
    ['198.19.255.255', 'benchmarking'],
    ['239.1.1.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['250.0.0.1', 'reserved'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::1', 'loopback'],
    ['::', 'unspecified'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fd12::1', 'private'],
    ['fd00:ec2::254', 'metadata'],
    ['::ffff:10.0.0.1', 'IPv4 in IPv6'],
    ['::ffff:8.8.8.8', 'IPv4 in IPv6'],
    ['::10.0.0.1', 'IPv4 in IPv6'],
    ['64:ff9b::a00:1', 'NAT64'],
    ['64:ff9b:1:ffff::1', 'NAT64'],
    ['2002:a00:1::', '6to4'],
    ['2001::1', 'Teredo'],
    ['2001:db8::5', 'documentation'],
    ['ff05::2', 'multicast'],
    ['2001:2::9', 'benchmarking'],
    ['4000::1', 'reserved'],
    ['2001:20::1', 'reserved'],
    ['0x7f.1', 'loopback'],
    ['2130706433', 'loopback'],
  ]

  test.each(cases)('%s is refused as %s', (ip, why) => {
    expect(refuseAddress(ip, strict)).toContain(why)
  })

  it('lets public ones through', () => {
    for (const ip of ['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001::200e']) expect(refuseAddress(ip, strict)).toBeNull()
  })

  it('refuses text that is no address, even when private ones are allowed', () => {
    for (const text of ['', 'example.com', '1.2.3.4.5', '::gg']) expect(refuseAddress(text, { allowPrivate: true })).toContain('not an IP')
  })

  it('lets private ones through when they are allowed', () => {
    for (const [ip] of cases) expect(refuseAddress(ip, { allowPrivate: true })).toBeNull()
  })
})
