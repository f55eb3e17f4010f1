import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { notes, type RouteLimits } from './config-kinds.ts'
import { type VariableName, type Variables, variables } from './config-variables.ts'
import type { HttpConfig, JwtConfig } from './http-config.ts'

/** What the operator decided, checked. Null: not given (its absence has a meaning of its own). Times in milliseconds. */
export interface Config extends HttpConfig {
  readonly port: number
  readonly host: string
  readonly dataDir: string
  /** Where the truth is kept: a file under `dataDir`, or a PostgreSQL server. */
  readonly mode: 'embedded' | 'sql'
  readonly databaseUrl: string | null
  readonly queue: 'memory' | 'redis' | 'postgres'
  readonly redisUrl: string | null
  readonly role: 'all' | 'api' | 'worker'
  /** Null: one is generated for an empty store. */
  readonly adminApiKey: string | null
  /** 32 bytes each, newest first. Null (embedded only): generated in `dataDir`. */
  readonly encryptionKeys: readonly Buffer[] | null
  readonly allowPrivateAddresses: 'false' | 'bridges' | 'true'
  readonly plannerEveryMs: number
  readonly healthEveryMs: number
  readonly sweepEveryMs: number
  readonly sendConcurrency: number
  readonly deliveryConcurrency: number
  readonly webhookRetryScheduleMs: readonly number[]
  readonly unknownOutcomeDeadlineMs: number
  readonly bridgeTimeoutMs: number
  readonly vendorTimeoutMs: number
  readonly rateLimits: Readonly<RouteLimits> | null
  readonly logLevel: Variables['LOG_LEVEL']
  /** Null: on a terminal. */
  readonly logPretty: boolean | null
  readonly hubspot: { readonly app: OAuthApp | null; readonly appId: string | null; readonly apiUrl: string; readonly authorizeUrl: string }
  readonly gohighlevel: {
    readonly app: OAuthApp | null
    readonly apiUrl: string
    readonly authorizeUrl: string
    readonly webhookKeys: readonly KeyObject[]
    /** Empty: the old signature is refused. */
    readonly legacyWebhookKeys: readonly KeyObject[]
  }
  readonly twilio: { readonly apiUrl: string }
}

export interface OAuthApp {
  readonly clientId: string
  readonly clientSecret: string
}

/** Everything that is wrong with the environment, in one text for the operator. */
export class ConfigError extends Error {
  constructor(lines: readonly string[]) {
    super(`The configuration is wrong:\n${lines.map((line) => `  ${line}\n`).join('')}`)
    this.name = 'ConfigError'
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** Checks every variable. Empty is not given; unknown ones are ignored. Throws a ConfigError that names each wrong one. */
export function loadConfig(env: Environment): Config {
  const given: Partial<Record<VariableName, string>> = {}
  for (const name of variables.keyof().options) {
    const text = env[name]?.trim()
    if (text) given[name] = text
  }
  const parsed = variables.safeParse(given)
  const wrong = [
    ...(parsed.error?.issues ?? []).map((issue) => {
      const name = variables.keyof().parse(issue.path[0])
      return complaint(name, given[name], issue.message)
    }),
    ...contradictions(given),
  ]
  if (!parsed.success || wrong.length > 0) throw new ConfigError(wrong)
  return toConfig(parsed.data)
}

/** The environment with `.env` beneath it: what is set for real wins. A file that is not there is no file. */
export function readEnvironment(env: Environment, file = '.env'): Environment {
  try {
    return { ...parseEnv(readFileSync(file, 'utf8')), ...Object.fromEntries(Object.entries(env).filter(([, text]) => text !== undefined)) }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return env
    throw new ConfigError([`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`])
  }
}

/** What only shows when two variables are looked at together. Works on texts, so that it is told beside what else is wrong. */
function contradictions(given: Partial<Record<VariableName, string>>): string[] {
  const lines: string[] = []
  const need = (name: VariableName, why: string) => {
    if (!given[name]) lines.push(complaint(name, undefined, why))
  }
  if (given.DATABASE_URL?.startsWith('mongodb')) {
    lines.push(
      complaint('DATABASE_URL', given.DATABASE_URL, 'postgres://…, or nothing for the embedded store: mongodb:// comes with a later release'),
    )
    need('REDIS_URL', 'redis://…, which is required with mongodb://')
  }
  if (!given.DATABASE_URL && (given.ROLE === 'api' || given.ROLE === 'worker')) {
    lines.push(complaint('ROLE', given.ROLE, 'all, as the embedded store belongs to one process (set DATABASE_URL to run roles apart)'))
  }
  if (given.DATABASE_URL) need('ENCRYPTION_KEY', '32 bytes in base64, which is required with DATABASE_URL (make one: openssl rand -base64 32)')
  if (given.JWT_JWKS_URL || given.JWT_AUDIENCE) need('JWT_ISSUER', 'the issuer of the tokens, as JWT_JWKS_URL or JWT_AUDIENCE is set')
  if (given.JWT_ISSUER || given.JWT_AUDIENCE) need('JWT_JWKS_URL', "where the issuer's keys are, as JWT_ISSUER or JWT_AUDIENCE is set")
  for (const vendor of ['HUBSPOT', 'GHL'] as const) {
    if (given[`${vendor}_CLIENT_ID`]) need(`${vendor}_CLIENT_SECRET`, `the app's secret, as ${vendor}_CLIENT_ID is set`)
    if (given[`${vendor}_CLIENT_SECRET`]) need(`${vendor}_CLIENT_ID`, `the app's id, as ${vendor}_CLIENT_SECRET is set`)
  }
  return lines
}

function complaint(name: VariableName, text: string | undefined, expected: string): string {
  return `${name} ${text === undefined ? 'is not set' : `holds ${shown(name, text)}`}; expected ${expected}`
}

function shown(name: VariableName, text: string): string {
  if (notes.get(variables.shape[name])?.secret)
    return `a secret of ${text.length} characters${/^[a-z+]{1,15}:\/\//.exec(text)?.[0].replace(/^/, ' beginning with ') ?? ''}`
  // Somebody may have put a password into any address.
  const masked = text.replace(/\/\/[^/@]*@/, '//•••@')
  return JSON.stringify(masked.length > 100 ? `${masked.slice(0, 100)}…` : masked)
}

function toConfig(v: Variables): Config {
  const embedded = v.DATABASE_URL === undefined
  return {
    port: v.PORT,
    host: v.HOST,
    publicUrl: v.PUBLIC_URL ?? `http://localhost:${v.PORT}`,
    dataDir: v.DATA_DIR,
    mode: embedded ? 'embedded' : 'sql',
    databaseUrl: v.DATABASE_URL ?? null,
    queue: v.REDIS_URL !== undefined ? 'redis' : embedded ? 'memory' : 'postgres',
    redisUrl: v.REDIS_URL ?? null,
    role: v.ROLE,
    adminApiKey: v.ADMIN_API_KEY ?? null,
    encryptionKeys: v.ENCRYPTION_KEY ?? null,
    serviceToken: v.SERVICE_TOKEN ?? null,
    jwt: toJwt(v),
    allowPrivateAddresses: v.ALLOW_PRIVATE_ADDRESSES ?? (embedded ? 'bridges' : 'false'),
    plannerEveryMs: v.PLANNER_EVERY_MS,
    healthEveryMs: v.HEALTH_EVERY_MS,
    sweepEveryMs: v.SWEEP_EVERY_MS,
    sendConcurrency: v.SEND_CONCURRENCY,
    deliveryConcurrency: v.DELIVERY_CONCURRENCY,
    webhookRetryScheduleMs: v.WEBHOOK_RETRY_SCHEDULE_MS,
    unknownOutcomeDeadlineMs: v.UNKNOWN_OUTCOME_DEADLINE_MS,
    bridgeTimeoutMs: v.BRIDGE_TIMEOUT_MS,
    vendorTimeoutMs: v.VENDOR_TIMEOUT_MS,
    rateLimits: v.RATE_LIMITS,
    isAlone: embedded,
    logLevel: v.LOG_LEVEL,
    logPretty: v.LOG_PRETTY === undefined ? null : v.LOG_PRETTY === 'true',
    hubspot: {
      app: toApp(v.HUBSPOT_CLIENT_ID, v.HUBSPOT_CLIENT_SECRET),
      appId: v.HUBSPOT_APP_ID ?? null,
      apiUrl: v.HUBSPOT_API_URL,
      authorizeUrl: v.HUBSPOT_AUTHORIZE_URL,
    },
    gohighlevel: {
      app: toApp(v.GHL_CLIENT_ID, v.GHL_CLIENT_SECRET),
      apiUrl: v.GHL_API_URL,
      authorizeUrl: v.GHL_AUTHORIZE_URL,
      webhookKeys: v.GHL_WEBHOOK_PUBLIC_KEY,
      legacyWebhookKeys: v.GHL_LEGACY_WEBHOOK_PUBLIC_KEY ?? [],
    },
    twilio: { apiUrl: v.TWILIO_API_URL },
  }
}

function toJwt(v: Variables): JwtConfig | null {
  if (v.JWT_ISSUER === undefined || v.JWT_JWKS_URL === undefined) return null
  return {
    issuer: v.JWT_ISSUER,
    audience: v.JWT_AUDIENCE ?? null,
    jwksUrl: v.JWT_JWKS_URL,
    workspaceClaim: v.JWT_WORKSPACE_CLAIM,
    roleClaim: v.JWT_ROLE_CLAIM,
  }
}

function toApp(clientId: string | undefined, clientSecret: string | undefined): OAuthApp | null {
  return clientId !== undefined && clientSecret !== undefined ? { clientId, clientSecret } : null
}
