import { hash, timingSafeEqual } from 'node:crypto'
import { AppError, type Runtime, type Scope } from '@trunkline/core'
import type { Context } from 'hono'
import type { Engine } from './engine.ts'
import type { Claims } from './jwt.ts'
import { createWindows } from './rate-limit.ts'
import type { WorkspaceCache } from './workspace-cache.ts'

export interface Identity {
  readonly workspaceId: string
  readonly actor: string
  readonly scopes: readonly Scope[]
  readonly isInstallation: boolean
}

/** Wrong credentials per address and minute before the address has to wait. */
const failuresMax = 100
const knownMax = 10_000

interface Parts {
  engine: Pick<Engine, 'keys'>
  workspaces: WorkspaceCache
  jwt: ((token: string) => Promise<Claims | null>) | null
  serviceToken: string | null
  runtime: Pick<Runtime, 'now'>
}

function bearer(header: string | undefined): string | null {
  if (header === undefined) return null
  const space = header.indexOf(' ')
  return space > 0 && header.slice(0, space).toLowerCase() === 'bearer' ? header.slice(space + 1).trim() : null
}

/** The peer of the socket; forwarded headers are anybody's to write. */
export function peerOf(c: Context): string {
  const incoming: unknown = typeof c.env === 'object' && c.env !== null ? Reflect.get(c.env, 'incoming') : undefined
  const socket: unknown = typeof incoming === 'object' && incoming !== null ? Reflect.get(incoming, 'socket') : undefined
  const address: unknown = typeof socket === 'object' && socket !== null ? Reflect.get(socket, 'remoteAddress') : undefined
  return typeof address === 'string' ? address : 'unknown'
}

/**
 * Who calls: an API key (`Authorization: Bearer tl_…` or `X-API-Key`), a first-party token, or the service token.
 * Refuses: UNAUTHENTICATED; RATE_LIMITED for an address that keeps guessing.
 */
export function createAuth({ engine, workspaces, jwt, serviceToken, runtime }: Parts) {
  const failures = createWindows({ runtime })
  // Credentials that worked, hashed: behind one proxy all callers share an address, and one that guesses must not lock the others out.
  const known = new Set<string>()

  function refuse(address: string, detail: string): never {
    holdBack(address)
    failures.hit(address)
    throw new AppError('UNAUTHENTICATED', detail)
  }

  /** Before anything is looked up, so that guessing costs nothing here. */
  function holdBack(address: string, credential: string | null = null): void {
    const { count, seconds } = failures.peek(address)
    if (count < failuresMax || (credential !== null && known.has(hash('sha256', credential, 'hex')))) return
    throw new AppError('RATE_LIMITED', 'Too many failed logins from this address', { extra: { 'retry-after': seconds } })
  }

  /** From the first time it works: the guessing may start at any moment after it. */
  function remember(credential: string): void {
    const hashed = hash('sha256', credential, 'hex')
    if (known.has(hashed)) return
    if (known.size >= knownMax) known.delete(known.values().next().value ?? '')
    known.add(hashed)
  }

  async function byToken(token: string): Promise<Identity | null> {
    if (jwt === null) return null
    const claims = await jwt(token)
    if (claims === null) return null
    const workspace = await workspaces.byClaim(claims.workspace)
    if (workspace === null) return null
    return { workspaceId: workspace.id, actor: `user:${claims.subject}`.slice(0, 200), scopes: claims.scopes, isInstallation: false }
  }

  async function byKey(secret: string): Promise<Identity | null> {
    const key = await engine.keys.authenticate(secret)
    if (key === null) return null
    return { workspaceId: key.workspaceId, actor: `key:${key.id}`, scopes: key.scopes, isInstallation: key.isInstallation }
  }

  return {
    async authenticate(c: Context): Promise<Identity> {
      const authorization = bearer(c.req.header('authorization'))
      const apiKey = c.req.header('x-api-key')
      const credential = authorization ?? apiKey
      if (credential === undefined) throw new AppError('UNAUTHENTICATED', 'Send an API key as "Authorization: Bearer tl_…" or "X-API-Key"')
      const address = peerOf(c)
      const isToken = authorization !== null && authorization.split('.').length === 3
      // A signature cannot be guessed, and each token is new after a minute: to hold those back would lock out whoever shares the address.
      if (!isToken) holdBack(address, credential)
      const identity = isToken ? await byToken(credential) : credential === '' ? null : await byKey(credential)
      if (identity === null) refuse(address, 'The API key or token is not valid')
      if (!isToken) remember(credential)
      return identity
    },

    /** For the service endpoint: only its own token will do, and none when none is configured. */
    requireService(c: Context): void {
      const given = c.req.header('x-service-token') ?? bearer(c.req.header('authorization'))
      const address = peerOf(c)
      if (given === null) throw new AppError('UNAUTHENTICATED', 'Send the service token as "Authorization: Bearer …" or "X-Service-Token"')
      holdBack(address, given)
      // Hashed first, so that the comparison takes the same time whatever the lengths are.
      const isRight = serviceToken !== null && timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', serviceToken, 'buffer'))
      if (!isRight) refuse(address, 'The service token is not valid')
      remember(given)
    },
  }
}

export type Auth = ReturnType<typeof createAuth>

/** Default is to deny: a key holds exactly the scopes it was given, and none implies another. */
export function requireScope(identity: Identity, scope: Scope | 'installation'): void {
  if (scope === 'installation') {
    if (!identity.isInstallation || !identity.scopes.includes('admin'))
      throw new AppError('FORBIDDEN', "Only the installation's admin key may do this")
  } else if (!identity.scopes.includes(scope)) throw new AppError('FORBIDDEN', `This needs the scope "${scope}"`)
}
