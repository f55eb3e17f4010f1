export const routeClasses = ['send', 'availability', 'default'] as const
export type RouteClass = (typeof routeClasses)[number]

/** First-party tokens of any OIDC issuer. */
export interface JwtConfig {
  readonly issuer: string
  readonly audience: string | null
  readonly jwksUrl: string
  readonly workspaceClaim: string
  readonly roleClaim: string
}

/** The part of the configuration that the HTTP side reads. */
export interface HttpConfig {
  /** Without a slash at the end. */
  readonly publicUrl: string
  readonly serviceToken: string | null
  readonly jwt: JwtConfig | null
  /** Requests per minute and workspace; null: no limits (benchmarks). */
  readonly rateLimits: Readonly<Record<RouteClass, number>> | null
  /** No other process works on this store: what was running when this one started is over. */
  readonly isAlone: boolean
}
