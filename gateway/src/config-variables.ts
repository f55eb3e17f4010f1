import { z } from 'zod'
import {
  adminKey,
  anyText,
  delays,
  limitsText,
  milliseconds,
  notes,
  oneOf,
  publicKeys,
  rateLimits,
  routeLimits,
  sealingKeys,
  serverAddress,
  webAddress,
  whole,
} from './config-kinds.ts'

const secret = { secret: true } as const
const none = { fallback: 'none' }
const ghlKey = 'MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg='

/** Every variable the gateway reads, in the order of the README's table, which is made from this. Defaults are texts, parsed like any other. */
export const variables = z.object({
  PORT: whole(0, 65_535).prefault('3000').describe('Where the gateway listens. 0: any free port.'),
  HOST: anyText().prefault('127.0.0.1').describe('The address it listens on. `0.0.0.0`: all of them.'),
  PUBLIC_URL: webAddress()
    .optional()
    .describe('The address vendors and browsers use. Signatures are checked against it.')
    .register(notes, { fallback: '`http://localhost:$PORT`' }),
  DATA_DIR: anyText().prefault('./data').describe('The embedded store and generated keys.'),
  DATABASE_URL: serverAddress('postgres', 'postgresql', 'mongodb', 'mongodb+srv')
    .optional()
    .describe('`postgres://…`. (`mongodb://…` comes with a later release.)')
    .register(notes, { fallback: 'none: embedded SQLite', ...secret }),
  REDIS_URL: serverAddress('redis', 'rediss')
    .optional()
    .describe('`redis://…`: BullMQ on Redis. Required with `mongodb://`.')
    .register(notes, { fallback: 'none: in the process when embedded, BullMQ on PostgreSQL with `postgres://`', ...secret }),
  ROLE: oneOf('all', 'api', 'worker').prefault('all').describe('`api` answers requests, `worker` sends and delivers, `all` does both.'),
  ADMIN_API_KEY: adminKey()
    .optional()
    .describe(
      'Admin key of the first workspace, made on the first start of an empty store: `tl_` and at least 32 more characters. A generated one is printed once.',
    )
    .register(notes, { fallback: 'generated', ...secret }),
  ENCRYPTION_KEY: sealingKeys()
    .optional()
    .describe('Seals secrets at rest: 32 bytes in base64. A comma-separated list, newest first, for rotation.')
    .register(notes, { fallback: 'generated in `DATA_DIR` when embedded, required otherwise', ...secret }),
  SERVICE_TOKEN: anyText()
    .optional()
    .describe('Bearer token of `/api/webhooks/v1-message`.')
    .register(notes, { fallback: 'none: the endpoint answers 401', ...secret }),
  JWT_ISSUER: anyText().optional().describe('`iss` of first-party tokens. Goes with `JWT_JWKS_URL`.').register(notes, none),
  JWT_AUDIENCE: anyText().optional().describe('`aud` that a token must have.').register(notes, none),
  JWT_JWKS_URL: webAddress().optional().describe('Where the issuer publishes its keys.').register(notes, none),
  JWT_WORKSPACE_CLAIM: anyText().prefault('org_id').describe('The claim that equals the `id` or `externalId` of a workspace.'),
  JWT_ROLE_CLAIM: anyText().prefault('org_role').describe('`admin` or `org:admin` in this claim gives the scope `admin`, beside `read` and `write`.'),
  ALLOW_PRIVATE_ADDRESSES: oneOf('false', 'bridges', 'true')
    .optional()
    .describe("`bridges`: a line's bridge or SMTP server may have a private or loopback address. `true`: webhooks and vendor URLs too (tests).")
    .register(notes, { fallback: '`bridges` when embedded, else `false`' }),
  PLANNER_EVERY_MS: milliseconds().prefault('420000').describe('How often campaigns are planned.'),
  HEALTH_EVERY_MS: milliseconds().prefault('60000').describe('How often lines are checked.'),
  SWEEP_EVERY_MS: milliseconds().prefault('30000').describe('How often what is past its time is queued again.'),
  SEND_CONCURRENCY: whole(1, 10_000).prefault('256').describe('Messages handed over at the same time, per process.'),
  DELIVERY_CONCURRENCY: whole(1, 10_000).prefault('256').describe('Webhook and plugin deliveries at the same time, per process.'),
  WEBHOOK_RETRY_SCHEDULE_MS: delays()
    .prefault('5000,30000,120000,600000,3600000,10800000,28800000,86400000')
    .describe('Waits between the attempts of one delivery, in milliseconds.'),
  UNKNOWN_OUTCOME_DEADLINE_MS: milliseconds().prefault('600000').describe('When a message whose outcome nobody knows is given up.'),
  BRIDGE_TIMEOUT_MS: milliseconds().prefault('130000').describe('How long one call to a bridge may take.'),
  VENDOR_TIMEOUT_MS: milliseconds().prefault('15000').describe('How long one call to another vendor may take.'),
  RATE_LIMITS: rateLimits().prefault(limitsText(routeLimits)).describe('Requests per minute and workspace, by class of route. `off` for benchmarks.'),
  LOG_LEVEL: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').prefault('info').describe('The least that is logged.'),
  LOG_PRETTY: oneOf('true', 'false')
    .optional()
    .describe('`true`: lines for people. `false`: JSON.')
    .register(notes, { fallback: '`true` on a terminal, else `false`' }),
  HUBSPOT_CLIENT_ID: anyText().optional().describe('The HubSpot app that this installation owns. Goes with its secret.').register(notes, none),
  HUBSPOT_CLIENT_SECRET: anyText()
    .optional()
    .describe('Its secret.')
    .register(notes, { ...none, ...secret }),
  HUBSPOT_APP_ID: anyText().optional().describe('Its id, needed for app events.').register(notes, none),
  HUBSPOT_API_URL: webAddress().prefault('https://api.hubapi.com').describe('For tests and regions.'),
  HUBSPOT_AUTHORIZE_URL: webAddress().prefault('https://app.hubspot.com/oauth/authorize').describe('Where a portal installs the app.'),
  GHL_CLIENT_ID: anyText().optional().describe('The GoHighLevel app that this installation owns. Goes with its secret.').register(notes, none),
  GHL_CLIENT_SECRET: anyText()
    .optional()
    .describe('Its secret.')
    .register(notes, { ...none, ...secret }),
  GHL_API_URL: webAddress().prefault('https://services.leadconnectorhq.com').describe('For tests.'),
  GHL_AUTHORIZE_URL: webAddress()
    .prefault('https://marketplace.gohighlevel.com/v2/oauth/chooselocation')
    .describe('Where an agency installs the app.'),
  GHL_WEBHOOK_PUBLIC_KEY: publicKeys('ed25519')
    .prefault(ghlKey)
    .describe('Checks `X-GHL-Signature`: Ed25519, SPKI in base64 or PEM. A list while rotating.'),
  GHL_LEGACY_WEBHOOK_PUBLIC_KEY: publicKeys('rsa')
    .optional()
    .describe('Checks the old `X-WH-Signature`: RSA, SPKI in base64 or PEM.')
    .register(notes, { fallback: 'none: refused' }),
  TWILIO_API_URL: webAddress().prefault('https://api.twilio.com').describe('For tests and regions.'),
})

export type Variables = z.output<typeof variables>
export type VariableName = keyof Variables
