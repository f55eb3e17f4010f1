import { AppError, type Runtime, type Scope } from '@trunkline/core'
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { JwtConfig } from './http-config.ts'

/** Asymmetric only: with an HMAC algorithm allowed, a public key would do as a secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const toleranceSeconds = 5

export interface Claims {
  subject: string
  /** What the workspace claim says: an id or an `externalId`. */
  workspace: string
  scopes: readonly Scope[]
}

/** A claim by its name, or by a dotted path where the issuer nests it (`o.id`). */
function claim(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let value: unknown = payload
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = Object.entries(value).find(([key]) => key === part)?.[1]
  }
  return value
}

/** The issuer's keys could not be had: nobody's fault who holds a token. */
function isIssuerAway(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true
  return error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC'
}

/**
 * Verifies first-party tokens by the issuer's JWKS: signature, issuer, audience, times (5 s of tolerance), and that they expire.
 * Null for a token that is not valid; UNAVAILABLE when the keys cannot be fetched.
 */
export function createJwt({ config, runtime, keys }: { config: JwtConfig; runtime: Pick<Runtime, 'now'>; keys?: JWTVerifyGetKey }) {
  const getKey = keys ?? createRemoteJWKSet(new URL(config.jwksUrl))
  return async (token: string): Promise<Claims | null> => {
    let payload: JWTPayload
    try {
      const verified = await jwtVerify(token, getKey, {
        algorithms,
        issuer: config.issuer,
        ...(config.audience !== null && { audience: config.audience }),
        clockTolerance: toleranceSeconds,
        currentDate: runtime.now(),
        requiredClaims: ['exp', 'sub'],
      })
      payload = verified.payload
    } catch (error) {
      if (isIssuerAway(error)) throw new AppError('UNAVAILABLE', "The token issuer's keys cannot be fetched now", { cause: error })
      return null
    }
    const workspace = claim(payload, config.workspaceClaim)
    if (typeof workspace !== 'string' || workspace === '' || typeof payload.sub !== 'string') return null
    const role = claim(payload, config.roleClaim)
    const isAdmin = role === 'admin' || role === 'org:admin'
    return { subject: payload.sub, workspace, scopes: isAdmin ? ['read', 'write', 'admin'] : ['read', 'write'] }
  }
}
