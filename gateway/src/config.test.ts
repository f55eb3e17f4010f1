import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, loadConfig, readEnvironment } from './config.ts'

const key = randomBytes(32).toString('base64')
const olderKey = randomBytes(32).toString('base64')
const postgres = { DATABASE_URL: 'postgres://hub:hunter2@db.test/hub', ENCRYPTION_KEY: key }

function complaints(env: Record<string, string>): string {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('it was accepted')
}

describe('with nothing set', () => {
  const config = loadConfig({})

  test('is embedded, in one process, on loopback', () => {
    expect(config).toMatchObject({ port: 3000, host: '127.0.0.1', dataDir: './data', mode: 'embedded', queue: 'memory', role: 'all' })
    expect(config).toMatchObject({ publicUrl: 'http://localhost:3000', databaseUrl: null, redisUrl: null, allowPrivateAddresses: 'bridges' })
  })

  test('makes its own keys and trusts nobody else', () => {
    expect(config).toMatchObject({ adminApiKey: null, encryptionKeys: null, serviceToken: null, jwt: null, logPretty: null, logLevel: 'info' })
    expect(config.hubspot.app).toBeNull()
    expect(config.gohighlevel.app).toBeNull()
    expect(config.gohighlevel.legacyWebhookKeys).toEqual([])
    expect(config.gohighlevel.webhookKeys.map((one) => one.asymmetricKeyType)).toEqual(['ed25519'])
  })

  test('has the times and limits of the contract', () => {
    expect(config).toMatchObject({ plannerEveryMs: 420_000, healthEveryMs: 60_000, sweepEveryMs: 30_000, unknownOutcomeDeadlineMs: 600_000 })
    expect(config).toMatchObject({ bridgeTimeoutMs: 130_000, vendorTimeoutMs: 15_000 })
    expect(config.rateLimits).toEqual({ send: 600, availability: 200, default: 1200 })
    expect(config.webhookRetryScheduleMs).toEqual([5_000, 30_000, 120_000, 600_000, 3_600_000, 10_800_000, 28_800_000, 86_400_000])
  })
})

describe('where the truth and the hints are kept', () => {
  test.each([
    [{}, 'embedded', 'memory'],
    [{ REDIS_URL: 'redis://localhost' }, 'embedded', 'redis'],
    [postgres, 'sql', 'postgres'],
    [{ ...postgres, REDIS_URL: 'rediss://:pw@cache.test:6380/1' }, 'sql', 'redis'],
    [{ ...postgres, DATABASE_URL: 'postgresql://db.test/hub' }, 'sql', 'postgres'],
  ])('%j', (env, mode, queue) => {
    expect(loadConfig(env)).toMatchObject({ mode, queue })
  })

  test('on a server private addresses are refused unless allowed', () => {
    expect(loadConfig(postgres).allowPrivateAddresses).toBe('false')
    expect(loadConfig({ ...postgres, ALLOW_PRIVATE_ADDRESSES: 'bridges' }).allowPrivateAddresses).toBe('bridges')
  })
})

describe('what is given is read', () => {
  test('empty and blank mean not given, unknown variables are ignored', () => {
    expect(loadConfig({ PORT: '', HOST: '   ', DATABASE_URL: '', SOMETHING_ELSE: 'x' })).toEqual(loadConfig({}))
  })

  test('the public address follows the port and loses its slash', () => {
    expect(loadConfig({ PORT: '8080' }).publicUrl).toBe('http://localhost:8080')
    expect(loadConfig({ PUBLIC_URL: 'https://hub.test/in/' }).publicUrl).toBe('https://hub.test/in')
  })

  test('encryption keys keep their order', () => {
    const keys = loadConfig({ ENCRYPTION_KEY: `${key}, ${olderKey}` }).encryptionKeys
    expect(keys?.map((one) => one.toString('base64'))).toEqual([key, olderKey])
  })

  test('rate limits: off, all, or some', () => {
    expect(loadConfig({ RATE_LIMITS: 'off' }).rateLimits).toBeNull()
    expect(loadConfig({ RATE_LIMITS: 'send=1, availability=2 ,default=3' }).rateLimits).toEqual({ send: 1, availability: 2, default: 3 })
    expect(loadConfig({ RATE_LIMITS: 'send=5' }).rateLimits).toEqual({ send: 5, availability: 200, default: 1200 })
  })

  test('the retry schedule', () => {
    expect(loadConfig({ WEBHOOK_RETRY_SCHEDULE_MS: '50, 100,200' }).webhookRetryScheduleMs).toEqual([50, 100, 200])
  })

  test('log lines for people, or not', () => {
    expect(loadConfig({ LOG_PRETTY: 'true' }).logPretty).toBe(true)
    expect(loadConfig({ LOG_PRETTY: 'false' }).logPretty).toBe(false)
  })

  test('an issuer of tokens', () => {
    const jwt = loadConfig({ JWT_ISSUER: 'https://id.test', JWT_JWKS_URL: 'https://id.test/keys', JWT_WORKSPACE_CLAIM: 'o.id' }).jwt
    expect(jwt).toEqual({ issuer: 'https://id.test', audience: null, jwksUrl: 'https://id.test/keys', workspaceClaim: 'o.id', roleClaim: 'org_role' })
  })

  test('the app an installation owns', () => {
    const config = loadConfig({ HUBSPOT_CLIENT_ID: 'a', HUBSPOT_CLIENT_SECRET: 'b', GHL_CLIENT_ID: 'c', GHL_CLIENT_SECRET: 'd' })
    expect(config.hubspot.app).toEqual({ clientId: 'a', clientSecret: 'b' })
    expect(config.gohighlevel.app).toEqual({ clientId: 'c', clientSecret: 'd' })
  })

  test('public keys in base64, in PEM, in PEM on one line, and several', () => {
    const pairs = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
    const pems = pairs.map((pair) => pair.publicKey.export({ type: 'spki', format: 'pem' }).toString())
    const ders = pairs.map((pair) => pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'))
    for (const text of [pems.join(''), pems.join(','), pems.join(',').replaceAll('\n', '\\n'), ders.join(', ')]) {
      const keys = loadConfig({ GHL_WEBHOOK_PUBLIC_KEY: text }).gohighlevel.webhookKeys
      expect(keys.map((one) => one.export({ type: 'spki', format: 'der' }).toString('base64'))).toEqual(ders)
    }
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    expect(loadConfig({ GHL_LEGACY_WEBHOOK_PUBLIC_KEY: rsa }).gohighlevel.legacyWebhookKeys[0]?.asymmetricKeyType).toBe('rsa')
    expect(complaints({ GHL_WEBHOOK_PUBLIC_KEY: rsa })).toContain('expected a public Ed25519 key')
    expect(complaints({ GHL_LEGACY_WEBHOOK_PUBLIC_KEY: ders[0] ?? '' })).toContain('expected a public RSA key')
  })
})

describe('a wrong variable is told by its name, what it holds and what was expected', () => {
  test.each([
    ['PORT', 'abc', 'a whole number from 0 to 65535'],
    ['PORT', '70000', 'a whole number'],
    ['PORT', '-1', 'a whole number'],
    ['PORT', '3e3', 'a whole number'],
    ['PUBLIC_URL', 'hub.test', 'begins with http:// or https://'],
    ['PUBLIC_URL', 'ftp://hub.test', 'begins with http:// or https://'],
    ['PUBLIC_URL', 'https://hub.test/?a=1', 'without ? and #'],
    ['ROLE', 'workers', 'one of all, api, worker'],
    ['ALLOW_PRIVATE_ADDRESSES', 'yes', 'one of false, bridges, true'],
    ['SWEEP_EVERY_MS', '0', 'a whole number from 1'],
    ['HEALTH_EVERY_MS', '1.5', 'a whole number'],
    ['PLANNER_EVERY_MS', '7 minutes', 'a whole number'],
    ['BRIDGE_TIMEOUT_MS', '99999999999', 'a whole number'],
    ['SEND_CONCURRENCY', '0', 'a whole number'],
    ['WEBHOOK_RETRY_SCHEDULE_MS', '5000,,1', 'milliseconds separated by commas'],
    ['WEBHOOK_RETRY_SCHEDULE_MS', '5s', 'milliseconds separated by commas'],
    ['RATE_LIMITS', 'on', 'off, or requests per minute'],
    ['RATE_LIMITS', 'send=0', 'off, or requests per minute'],
    ['RATE_LIMITS', 'sends=5', 'off, or requests per minute'],
    ['RATE_LIMITS', 'send=5,send=6', 'off, or requests per minute'],
    ['RATE_LIMITS', 'toString=5', 'off, or requests per minute'],
    ['LOG_LEVEL', 'verbose', 'one of fatal'],
    ['LOG_PRETTY', '1', 'one of true, false'],
    ['JWT_JWKS_URL', 'id.test/keys', 'begins with http'],
    ['GHL_WEBHOOK_PUBLIC_KEY', 'MCowBQYDK2Vw', 'a public Ed25519 key'],
    ['TWILIO_API_URL', 'twilio', 'begins with http'],
  ])('%s=%s', (name, text, expected) => {
    const told = complaints({ [name]: text })
    expect(told).toContain(`${name} holds ${JSON.stringify(text)}; expected `)
    expect(told).toContain(expected)
  })

  test.each([
    ['ADMIN_API_KEY', 'hunter2-hunter2-hunter2-hunter2-hunter2', 'tl_ and at least 32'],
    ['ADMIN_API_KEY', 'tl_hunter2', 'tl_ and at least 32'],
    ['ADMIN_API_KEY', `tl_hunter2 ${'x'.repeat(40)}`, 'no spaces'],
    ['ENCRYPTION_KEY', 'hunter2', '32 bytes in base64'],
    ['ENCRYPTION_KEY', `${key},hunter2`, '32 bytes in base64'],
    ['ENCRYPTION_KEY', randomBytes(31).toString('base64'), '32 bytes in base64'],
    ['REDIS_URL', 'http://:hunter2@cache.test', 'begins with redis://'],
    ['DATABASE_URL', 'mysql://u:hunter2@db.test/x', 'begins with postgres://'],
    ['DATABASE_URL', 'u:hunter2@db.test', 'begins with postgres://'],
  ])('%s is a secret: its text is not repeated', (name, text, expected) => {
    const told = complaints({ [name]: text })
    expect(told).toContain(`${name} holds a secret of ${text.length} characters`)
    expect(told).toContain(expected)
    expect(told).not.toContain('hunter2')
    expect(told).not.toContain(text)
  })

  test('a password in any address is covered', () => {
    const told = complaints({ PUBLIC_URL: 'https://admin:hunter2@hub.test' })
    expect(told).toContain('PUBLIC_URL holds "https://•••@hub.test"')
  })

  test('all of them in one text', () => {
    const told = complaints({ PORT: 'x', ROLE: 'y', LOG_LEVEL: 'z', DATABASE_URL: 'postgres://db.test/hub' })
    for (const name of ['PORT', 'ROLE', 'LOG_LEVEL', 'ENCRYPTION_KEY']) expect(told.match(new RegExp(`^ {2}${name} `, 'gm'))).toHaveLength(1)
  })
})

describe('what does not go together', () => {
  test.each([
    [{ DATABASE_URL: 'postgres://db.test/hub' }, 'ENCRYPTION_KEY is not set; expected 32 bytes'],
    [{ DATABASE_URL: 'mongodb://db.test/hub', ENCRYPTION_KEY: key }, 'REDIS_URL is not set; expected redis://…, which is required with mongodb://'],
    [{ DATABASE_URL: 'mongodb+srv://db.test/hub', ENCRYPTION_KEY: key, REDIS_URL: 'redis://x' }, 'comes with a later release'],
    [{ JWT_ISSUER: 'https://id.test' }, 'JWT_JWKS_URL is not set'],
    [{ JWT_JWKS_URL: 'https://id.test/keys' }, 'JWT_ISSUER is not set'],
    [{ JWT_AUDIENCE: 'hub' }, 'JWT_ISSUER is not set'],
    [{ HUBSPOT_CLIENT_ID: 'a' }, 'HUBSPOT_CLIENT_SECRET is not set'],
    [{ HUBSPOT_CLIENT_SECRET: 'a' }, 'HUBSPOT_CLIENT_ID is not set'],
    [{ GHL_CLIENT_ID: 'a' }, 'GHL_CLIENT_SECRET is not set'],
  ])('%j', (env, told) => {
    expect(complaints(env)).toContain(told)
  })
})

describe('.env', () => {
  const folder = () => mkdtempSync(join(tmpdir(), 'trunkline-env-'))

  test('is read beneath the real environment', () => {
    const at = folder()
    try {
      writeFileSync(join(at, '.env'), 'PORT=4000\nHOST="0.0.0.0"\n# a comment\nLOG_LEVEL=warn\n')
      const config = loadConfig(readEnvironment({ PORT: '5000', LOG_LEVEL: undefined }, join(at, '.env')))
      expect(config).toMatchObject({ port: 5000, host: '0.0.0.0', logLevel: 'warn' })
    } finally {
      rmSync(at, { recursive: true })
    }
  })

  test('need not be there', () => {
    expect(readEnvironment({ PORT: '1' }, '/nowhere/.env')).toEqual({ PORT: '1' })
  })

  test('that cannot be read stops the start', () => {
    const at = folder()
    try {
      expect(() => readEnvironment({}, at)).toThrow(ConfigError)
    } finally {
      rmSync(at, { recursive: true })
    }
  })
})
